import assert from "node:assert/strict";
import { join } from "node:path";
import { EventFollower } from "../../../pipeline/store/event_follower.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { HOST, withStore } from "./fixture.ts";

async function readAll(follower: EventFollower): Promise<unknown[]> {
  const events: unknown[] = [];
  await follower.read((event) => events.push(event));
  return events;
}

Deno.test("EventFollower gives each whole line once, in order, as the file grows", async () => {
  await using scratch = await ScratchFolder.make();
  const path = join(scratch.path, "0001.events.ndjson");
  const follower = new EventFollower(path);
  assert.deepEqual(await readAll(follower), [], "no file yet");
  const append = (text: string | Uint8Array) =>
    Deno.writeFileSync(path, typeof text === "string" ? new TextEncoder().encode(text) : text, {
      append: true,
    });
  append(`{"a":1}\n{"a":2}\n{"a"`);
  assert.deepEqual(await readAll(follower), [{ a: 1 }, { a: 2 }]);
  assert.deepEqual(await readAll(follower), []);
  append(`:3}\nno json\n[4]\n`);
  assert.deepEqual(await readAll(follower), [{ a: 3 }], "what is no object is left out");
  const euro = new TextEncoder().encode(`{"a":"€"}\n`);
  append(euro.slice(0, 7)); // within the character
  assert.deepEqual(await readAll(follower), []);
  append(euro.slice(7));
  assert.deepEqual(await readAll(follower), [{ a: "€" }]);
});

Deno.test("EventFollower passes over a line without end, and keeps nothing of it", async () => {
  await using scratch = await ScratchFolder.make();
  const path = join(scratch.path, "events");
  const follower = new EventFollower(path);
  await Deno.writeTextFile(path, "x".repeat(9 << 20));
  assert.deepEqual(await readAll(follower), []);
  await Deno.writeTextFile(path, `{"a":1}\n{"a":2}\n`, { append: true });
  assert.deepEqual(await readAll(follower), [{ a: 2 }]);
});

Deno.test("RunLog.follow() sees what an active run appends, and record() reads no events", () =>
  withStore(async (store) => {
    const header = { recipe: "tiny", parameters: {}, command: [], startedAt: "", host: HOST };
    const active = await store.startRun(header);
    const follower = store.runs.follow(active.id);
    active.append({ time: 1, type: "stage-cached", id: "a", key: "k" });
    assert.deepEqual(await readAll(follower), [{
      time: 1,
      type: "stage-cached",
      id: "a",
      key: "k",
    }]);
    assert.deepEqual(store.runs.record(active.id)!.instances, []);
    assert.deepEqual(store.readRun(active.id)!.instances.map(({ state }) => state), ["cached"]);
    await active.finish({ status: "done", finishedAt: "", seconds: 1, instances: [] });
  }));
