/**
 * A process to be killed: takes the lock of the store named by its argument, says `locked`, and commits
 * artifacts, keys and events without end.
 */
import { Store } from "../../../pipeline/store/store.ts";
import { commitFiles, HOST, keyRecord } from "./fixture.ts";

if (import.meta.main) {
  const store = Store.open(Deno.args[0]);
  using _lock = await store.lock();
  await Deno.stdout.write(new TextEncoder().encode("locked\n"));
  const header = { recipe: "tiny", parameters: {}, command: [], startedAt: "", host: HOST };
  const run = await store.startRun(header);
  for (let i = store.listKeys().length;; i++) {
    const instance = `train@seed=${i}`;
    const files = { "a.txt": `${i}`.repeat(1000), "b/c.txt": "x".repeat(100_000), "b/d.txt": "" };
    const digest = await commitFiles(store, instance, files);
    const record = keyRecord(instance, digest);
    await store.commitKey(record);
    run.append({ time: i, type: "stage-cached", id: instance, key: record.key });
  }
}
