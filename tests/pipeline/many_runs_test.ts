import assert from "node:assert/strict";
import { join } from "node:path";
import type { CodeIndex } from "../../pipeline/code_digest.ts";
import type { RunEvent } from "../../pipeline/events.ts";
import { collectGarbage, listGarbage } from "../../pipeline/gc.ts";
import { verifyStore } from "../../pipeline/verify.ts";
import { Child } from "./toy/child.ts";
import { openToyPipeline, type ToyPipeline } from "./toy/pipeline.ts";

/** Four slow counts beside one another, and what follows from them. */
const recipe = (factor: number) => `
recipe: toy
describe: A toy.
matrix: { seed: [0, 1, 2, 3] }
stages:
  source: { each: [seed], params: { value: $seed } }
  count: { uses: trouble, each: [seed], inputs: { number: source }, params: { how: count } }
  multiply: { each: [seed], inputs: { number: count }, params: { factor: ${factor} } }
  total: { inputs: { numbers: multiply }, params: {} }
`;
/** Sources and counts, which every factor shares. */
const SHARED = 8;
/** Counts all end at 40, so that there is one multiplication, and the total, of a factor. */
const OWN = 2;

/** Keys in the order in which stages finished, over all children. */
function finished(children: readonly Child[]): string[] {
  return children.flatMap(({ events }) =>
    events.flatMap((event) => event.type === "stage-finished" ? [event.key] : [])
  );
}

/** The digests of a run that nobody disturbs. */
async function calmDigests(text: string): Promise<Record<string, string>> {
  await using toy = await openToyPipeline();
  await using child = new Child(toy, text);
  return (await child.result)!.digests;
}

async function assertWhole({ store }: ToyPipeline): Promise<void> {
  const { damages, incompleteKeys } = await verifyStore(store);
  assert.deepEqual([damages, incompleteKeys], [[], []]);
  (await store.lock()).release();
  for (const part of ["tmp", "scratch", "leases"]) {
    assert.deepEqual([...Deno.readDirSync(store.folder(part))], [], part);
  }
}

Deno.test("two runs of one recipe at once compute each stage once and give equal digests", async () => {
  await using toy = await openToyPipeline();
  await using first = new Child(toy, recipe(2));
  await using second = new Child(toy, recipe(2));
  const results = [(await first.result)!, (await second.result)!];
  assert.deepEqual(results.map(({ status }) => status), ["done", "done"]);
  assert.notEqual(results[0].run, results[1].run);
  assert.equal(results[0].ran.length + results[1].ran.length, SHARED + OWN);
  const keys = finished([first, second]);
  assert.equal(keys.length, SHARED + OWN);
  assert.equal(new Set(keys).size, keys.length);
  assert.deepEqual(results[0].digests, results[1].digests);
  assert.deepEqual(results[0].digests, await calmDigests(recipe(2)));
  const waits = [first, second].flatMap(({ events }) =>
    events.filter((event) => event.type === "stage-waiting")
  );
  assert(waits.length > 0, "one waited for the other");
  // Who holds a lease is not known while its holder is about to write its name.
  for (const { pid } of waits) assert(pid === null || [first.pid, second.pid].includes(pid));
  await assertWhole(toy);
});

Deno.test("four runs of different recipes at once compute what they share once", async () => {
  await using toy = await openToyPipeline();
  const factors = [2, 3, 5, 7];
  const children = factors.map((factor) => new Child(toy, recipe(factor)));
  try {
    const results = await Promise.all(children.map(({ result }) => result));
    assert.deepEqual(results.map((one) => one!.status), factors.map(() => "done"));
    const keys = finished(children);
    assert.equal(keys.length, SHARED + factors.length * OWN);
    assert.equal(new Set(keys).size, keys.length);
    assert.deepEqual(toy.store.listRuns(), ["0001", "0002", "0003", "0004"]);
    for (const run of toy.store.listRuns()) assert.equal(toy.store.readRun(run)!.status, "done");
    const kept = JSON.parse(Deno.readTextFileSync(toy.store.timings.path));
    const ran = children.flatMap(({ events }) =>
      events.flatMap((event) => event.type === "stage-finished" ? [`toy: ${event.id}`] : [])
    );
    assert.deepEqual(Object.keys(kept.instances).sort(), [...new Set(ran)].sort());
    await assertWhole(toy);
  } finally {
    for (const child of children) await child[Symbol.asyncDispose]();
  }
});

Deno.test("kill -9 of one of two runs: the other takes over what it held, to the same digests", async () => {
  await using toy = await openToyPipeline();
  await using killed = new Child(toy, recipe(2));
  await killed.event("stage-progress", (id) => id.startsWith("count"));
  await using other = new Child(toy, recipe(2));
  const { pid, id } = await other.event("stage-waiting");
  assert.equal(pid, killed.pid);
  await killed.kill();
  const result = (await other.result)!;
  assert.equal(result.status, "done");
  const started = await other.event("stage-started", (one) => one === id);
  assert.equal(started.resumed, true, "it went on from the other's scratch");
  assert.deepEqual(result.digests, await calmDigests(recipe(2)));
  const keys = finished([killed, other]);
  assert.equal(new Set(keys).size, keys.length, "nothing that was finished ran again");
  await assertWhole(toy);
});

Deno.test("a run that begins beside another sweeps nothing of it; repair waits for both, gc for none", async () => {
  await using toy = await openToyPipeline();
  await using first = new Child(toy, recipe(2));
  await first.event("stage-progress", (id) => id.startsWith("count"));
  await using second = new Child(toy, recipe(3));
  await second.event("stage-waiting");
  const names = (error: unknown) => {
    assert(error instanceof Error);
    for (const { pid } of [first, second]) assert(error.message.includes(`process ${pid} on `));
    return true;
  };
  assert.deepEqual((await collectGarbage(toy.store, { now: Date.now(), days: 0 })).garbage, []);
  await assert.rejects(verifyStore(toy.store, { repair: true }), names);
  listGarbage(toy.store, { now: Date.now() }); // reading disturbs nobody
  assert.deepEqual((await verifyStore(toy.store)).damages, []);
  assert.equal((await first.result)!.status, "done");
  assert.equal((await second.result)!.status, "done");
  await collectGarbage(toy.store, { now: Date.now() });
  await assertWhole(toy);
});

Deno.test("a lease that is lost before its worker starts leaves the other's scratch, and the run waits as for any other's", async () => {
  await using toy = await openToyPipeline();
  const text = "recipe: toy\ndescribe: A toy.\nstages: { source: { params: { value: 3 } } }\n";
  const [{ key }] = await toy.plan(text);
  const lease = join(toy.store.folder("leases"), key!);
  let asked = 0;
  // What a start waits for takes longer than a beat of the lease, which another machine has taken.
  const editedSince = async () => {
    if (asked++ > 0) return [];
    await Deno.writeTextFile(lease, JSON.stringify({ pid: 1, host: "other", token: "another" }));
    await new Promise((resolve) => setTimeout(resolve, 5_500));
    return [];
  };
  const code = { code: () => Promise.resolve(toy.code), editedSince } as unknown as CodeIndex;
  const warnings: string[] = [];
  let started = 0;
  const receive = (event: RunEvent) => {
    if (event.type === "stage-started") started++;
    if (event.type !== "stage-log" || event.level !== "warning") return;
    warnings.push(event.message);
    Deno.removeSync(lease); // the other machine is done with it
  };
  const result = await toy.run(text, { context: { code, subscribers: [{ receive }] } });
  assert.deepEqual([result.status, toy.number(result, "source")], ["done", 3]);
  assert.deepEqual([warnings.length, started], [1, 1]);
  assert.match(warnings[0], /took it over/);
});
