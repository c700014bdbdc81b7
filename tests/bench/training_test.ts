import assert from "node:assert/strict";
import { arithmeticOf } from "../../bench/training/arithmetic.ts";
import { countTokens, equalPairs, sortedByLength } from "../../bench/training/bench_pairs.ts";
import { formatResult, parseResult } from "../../bench/training/job.ts";
import { measureInRounds } from "../../bench/training/measure.ts";
import { parseUsed } from "../../bench/training/others_load.ts";
import { arithmeticAt, LENGTH_CASES } from "../../bench/training/scaling.ts";
import {
  linearCost,
  productsDominate,
  type ScalingPoint,
  scalingSummary,
} from "../../bench/training/scaling_points.ts";
import { configOf, type Shape, SMOLLM2_135M } from "../../bench/training/shapes.ts";
import { parseSystems } from "../../bench/training/systems.ts";
import { disturbance, ratiosTable, spreadOf } from "../../bench/training/table.ts";
import { parameterCount } from "../../train/models/parameters.ts";

const PEERS = new URL("../../bench/peers/", import.meta.url);

function figures(pairsPerSecond: number) {
  return {
    pairsPerSecond,
    tokensPerSecond: 0,
    peakBytes: 1e6,
    secondsToFirstStep: 1,
    otherCores: 0,
  };
}

Deno.test("spreadOf() takes the mean of the two in the middle of an even number", () => {
  assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, low: 1, high: 4 });
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, low: 1, high: 3 });
});

Deno.test("ratiosTable() divides round by round, not median by median", () => {
  const table = ratiosTable([
    { system: { name: "ballast@none", what: "" }, rounds: [2, 4, 30].map(figures) },
    { system: { name: "eager@none", what: "" }, rounds: [1, 4, 10].map(figures) },
  ]);
  assert.match(table!, /eager@none +2\.00 \(1\.00 … 3\.00\) /);
});

Deno.test("measureInRounds() begins each round with the next one and keeps figures by contender", async () => {
  const order: string[] = [];
  const contenders = ["a", "b", "c"].map((name, i) => ({
    system: { name, what: "" },
    run: () => Promise.resolve(figures(i)),
  }));
  const measured = await measureInRounds(contenders, 2, {
    onRun: (name, _, figures) => {
      if (figures === undefined) order.push(name);
    },
    othersDuring: async (run) => ({ result: await run(), otherCores: 0 }),
  });
  assert.deepEqual(order, ["a", "b", "c", "b", "c", "a"]);
  assert.deepEqual(
    measured.map(({ rounds }) => rounds.map(({ pairsPerSecond }) => pairsPerSecond)),
    [[0, 0], [1, 1], [2, 2]],
  );
});

Deno.test("parseSystems() names the nearest system", () => {
  assert.deepEqual(
    parseSystems("trl@keep, trl@keep,ballast").map(({ name }) => name),
    ["trl@keep", "ballast@none", "ballast@one"],
  );
  assert.throws(() => parseSystems("eager@hug"), { message: /Did you mean "eager@huge"\?/ });
});

Deno.test("sortedByLength() leaves the warm-up where it is and loses no pair", () => {
  const pair = (prompt: number, chosen: number, rejected: number) => ({
    prompt: Array(prompt).fill(0),
    chosen: Array(chosen).fill(0),
    rejected: Array(rejected).fill(0),
    reference: [0, 0] as const,
  });
  const pairs = [pair(9, 9, 9), pair(1, 2, 8), pair(2, 3, 1), pair(1, 1, 7)];
  const sorted = sortedByLength(pairs, 1);
  assert.deepEqual(sorted, [pairs[0], pairs[2], pairs[3], pairs[1]]);
  assert.equal(countTokens(sorted.slice(1)), 3 * 0 + (2 + 10) + (4 + 4) + (2 + 8));
});

Deno.test("parseResult() finds the result among other lines, and tells when there is none", () => {
  const result = { stepEnds: [1, 2], losses: [0.5], peakBytes: 3 };
  assert.deepEqual(parseResult(`a warning\n${formatResult(result)}\n`), result);
  assert.equal(parseResult("a warning\n"), null);
});

Deno.test("the shape of SmolLM2-135M has its number of parameters", () => {
  assert.equal(parameterCount(configOf(SMOLLM2_135M)), 134_515_008);
});

Deno.test("equalPairs() gives sequences of one length, half prompt, half reply", () => {
  const [{ prompt, chosen, rejected }] = equalPairs(9, {
    count: 1,
    config: configOf({ ...SMOLLM2_135M, V: 5 }),
  });
  assert.deepEqual([prompt, chosen, rejected].map(({ length }) => length), [5, 4, 4]);
});

function scalingPoint(shape: Partial<Shape>, length: number, median: number): ScalingPoint {
  const whole = { ...SMOLLM2_135M, ...shape };
  const arithmetic = arithmeticOf(configOf(whole), { length, replyShare: 0.5 });
  const cost = { median, low: median, high: median };
  const dominated = productsDominate(arithmetic, whole.D);
  return { system: "s", label: `L${whole.L}x${length}`, x: length, cost, arithmetic, dominated };
}

Deno.test("linearCost() starts at the most weights, of equal ones at the least attention", () => {
  const byLength = [scalingPoint({ L: 2 }, 1024, 5), scalingPoint({ L: 2 }, 128, 1)];
  assert.deepEqual(byLength.map((each) => linearCost(byLength, each)), [1, 1]);
  const bySize = [scalingPoint({ L: 2 }, 128, 1), scalingPoint({ L: 4 }, 128, 3)];
  const [small, large] = bySize.map(({ arithmetic }) => arithmetic.weights);
  assert.deepEqual(bySize.map((each) => linearCost(bySize, each)), [3 / large * small, 3]);
});

Deno.test("scalingSummary() says how far from linear the points are that products dominate", () => {
  const points = [scalingPoint({}, 128, 1), scalingPoint({}, 256, 1.1), scalingPoint({}, 2048, 4)];
  assert.deepEqual(points.map(({ dominated }) => dominated), [true, true, false]);
  assert.match(scalingSummary("length", points), /at L30x128, L30x256, .* within 10% of linear/);
  assert.match(scalingSummary("length", points.slice(2)), /dominate at no point\.$/);
  assert.equal(scalingPoint({ D: 192, H: 3, K: 1, F: 512 }, 64, 1).dominated, false);
});

Deno.test("products with weights dominate at three lengths at least, and not at the longest", () => {
  const dominated = LENGTH_CASES.map((each) => arithmeticAt(each).dominated);
  assert(dominated.filter((each) => each).length >= 3, dominated.join());
  assert.equal(dominated.at(-1), false);
  for (const { sequences, length } of LENGTH_CASES) {
    assert.equal(sequences % 2, 0, `${length}: pairs`);
    assert.equal(sequences * length, 4096);
  }
});

Deno.test("the peers' first pinned package is PyTorch", async () => {
  const lines = (await Deno.readTextFile(new URL("requirements.txt", PEERS))).split("\n");
  assert.equal(lines[0], "torch==2.13.0");
  assert.ok(lines.filter((line) => line !== "").every((line) => /^[a-z]+==[\d.]+$/.test(line)));
});

Deno.test("disturbance() names what ran beside other work, and is silent on a quiet machine", () => {
  const measured = (name: string, ...others: number[]) => ({
    system: { name, what: "" },
    rounds: others.map((otherCores) => ({ ...figures(1), otherCores })),
  });
  assert.equal(disturbance([measured("a", 0, 0.05)]), null);
  assert.match(disturbance([measured("a", 0), measured("b", 0, 0.5)])!, /cores beside b:/);
});

Deno.test("parseUsed() counts stolen time, not idle time, and survives brackets in a name", () => {
  const machine = "cpu  100 200 300 9000 9000 1 2 97 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
  const own = "42 (a) b (c) S 1 42 42 0 -1 4194304 10 20 0 0 110 120 130 140 20 0 8 0 1\n";
  assert.deepEqual(parseUsed(machine + own), { machine: 7, own: 5 });
});
