import assert from "node:assert/strict";
import { collectGarbage } from "../../pipeline/gc.ts";
import { verifyStore } from "../../pipeline/verify.ts";
import { Child } from "./toy/child.ts";
import { openToyPipeline, type ToyPipeline } from "./toy/pipeline.ts";

/** Products of numbers, in two modes with equal results under keys of their own. */
const products = (factor: number, mode: "exact" | "rounded") => `
  source: { each: [seed], params: { value: $seed } }
  multiply: { each: [seed], inputs: { number: source }, params: { factor: ${factor}, mode: ${mode} } }
  again: { uses: multiply, each: [seed], inputs: { number: multiply }, params: { factor: 3 } }
  total: { inputs: { numbers: again }, params: {} }
`;

const recipe = (stages: string) => `
recipe: toy
describe: A toy.
matrix: { seed: [1, 2] }
stages:${stages}`;

/** A count takes two seconds; the last sum reads the products after it. */
const slow = recipe(`${products(2, "exact")}
  count: { uses: trouble, inputs: { number: total }, params: { how: count } }
  last: { uses: total, inputs: { numbers: [again, count] }, params: {} }
`);

async function digestsOf(toy: ToyPipeline, text: string): Promise<Record<string, string>> {
  const { records } = await toy.run(text);
  return Object.fromEntries([...records].map(([id, { outputs }]) => [id, outputs.number.digest]));
}

async function calmDigests(text: string): Promise<Record<string, string>> {
  await using toy = await openToyPipeline();
  return await digestsOf(toy, text);
}

const collect = ({ store }: ToyPipeline) => collectGarbage(store, { now: Date.now(), days: 0 });

Deno.test("gc beside a run keeps what that has planned to use, and removes the rest at once", async () => {
  await using toy = await openToyPipeline();
  for (const factor of [2, 5, 7]) await toy.run(recipe(products(factor, "exact")));
  await using child = new Child(toy, slow);
  await child.event("stage-progress");
  await toy.run(recipe(products(5, "exact"))); // the recipe's last run, and its instances' last keys
  const { garbage } = await collect(toy);
  // The keys and objects of factor 7 go: two products, two of these, and a sum.
  const kinds = garbage.map(({ kind }) => kind).sort();
  assert.deepEqual(kinds, [...Array(5).fill("key"), ...Array(5).fill("object")]);
  const result = (await child.result)!;
  assert.deepEqual([result.status, result.ran], ["done", ["count", "last"]]);
  assert.deepEqual(result.digests, await calmDigests(slow));
  const { damages, incompleteKeys } = await verifyStore(toy.store);
  assert.deepEqual([damages, incompleteKeys], [[], []]);
});

Deno.test("gc again and again beside runs whose results come and go: each run ends, with calm digests", async () => {
  await using toy = await openToyPipeline();
  const texts = [2, 5].flatMap((factor) =>
    (["exact", "rounded"] as const).map((mode) => recipe(products(factor, mode)))
  );
  const calm = await Promise.all(texts.map(calmDigests));
  let [over, removed, beside] = [false, 0, 0];
  const collecting = (async () => {
    while (!over) {
      removed += (await collect(toy)).garbage.length;
      if ((await toy.store.runs.living()).length > 0) beside++;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  const rounds = async (first: number) => {
    for (let round = 0; round < 6; round++) {
      const which = (first + round) % texts.length;
      await using child = new Child(toy, texts[which]);
      const result = await child.result;
      assert.equal(result?.status, "done", JSON.stringify(child.events, null, 1));
      assert.deepEqual(result.digests, calm[which]);
    }
  };
  try {
    await Promise.all([rounds(0), rounds(2)]);
  } finally {
    over = true;
    await collecting;
  }
  assert(removed > 0 && beside > 0, `${removed} things removed, ${beside} times beside a run`);
  const { damages, incompleteKeys } = await verifyStore(toy.store);
  assert.deepEqual([damages, incompleteKeys], [[], []]);
});

Deno.test("gc waits for a share that does not let it, and says what holds it", async () => {
  await using toy = await openToyPipeline();
  await toy.run(recipe(products(2, "exact")));
  const options = { now: Date.now(), patienceMs: 50 };
  using share = await toy.store.share();
  await assert.rejects(collectGarbage(toy.store, options), {
    name: "ExpectedError",
    message: /removal\.lock is held by a run that begins or ends, a push, a pull, or another gc: /,
  });
  share.letRemove();
  await collectGarbage(toy.store, options);
});
