import assert from "node:assert/strict";
import {
  compareSystems,
  type ComparisonRequest,
  type EvaluationInput,
} from "../../eval/compare.ts";
import type { Evaluation } from "../../eval/evaluation.ts";
import type { StepRecord } from "../../train/step_record.ts";

/** An evaluation of three prompts, the last two of them the same text. */
function evaluation(gold: readonly number[], runOn: readonly number[] = [0, 0, 0]): Evaluation {
  const over = "prompts";
  return {
    itemSets: { prompts: { items: ["t:1", "t:2", "t:3"], clusters: ["x", "y", "y"] } },
    metrics: { gold: { over, values: gold }, runOn: { over, values: runOn } },
    examples: [{ id: "t:1", prompt: "copy dog cat", text: `said ${gold[0]}`, score: gold[0] }],
  };
}

const input = (from: string, axes: Record<string, string | number>, gold: readonly number[]) => ({
  from,
  axes,
  digest: `digest of ${from}`,
  evaluation: evaluation(gold),
});

const evaluations: EvaluationInput[] = [
  input("evaluate-reference@seed=1", { seed: 1 }, [0, 0.5, 0.5]),
  input("evaluate-reference@seed=2", { seed: 2 }, [0, 0, 0]),
  input("evaluate/dpo@seed=1", { method: "dpo", seed: 1 }, [1, 0.5, 0]),
  input("evaluate/dpo@seed=2", { method: "dpo", seed: 2 }, [0.5, 0.5, 0.5]),
  input("evaluate-stopped/dpo@seed=1", { method: "dpo", seed: 1 }, [1, 1, 1]),
  input("evaluate-stopped/dpo@seed=2", { method: "dpo", seed: 2 }, [1, 1, 1]),
];

const point = (step: number, gold: number) => ({ step, values: { gold } });
const record = (step: number, accuracy: number): StepRecord => ({
  step,
  loss: 1,
  dpoLoss: 1,
  sftLoss: 0,
  chosenLogp: -step,
  rejectedLogp: null,
  rewardChosen: 0,
  rewardRejected: 0,
  margin: 0,
  accuracy,
  gradNorm: 1,
  preferenceGradNorm: null,
  regulariserGradNorm: null,
  preferenceShare: null,
  regulariserShare: null,
  lr: 1,
  pairs: 1,
  tokens: 3,
});

const request: ComparisonRequest = {
  systems: [
    { id: "ref", label: "Reference", from: "evaluate-reference" },
    { id: "dpo", label: "DPO", from: "evaluate/dpo" },
    {
      id: "dpo-stopped",
      label: "DPO, stopped",
      from: "evaluate-stopped",
      where: { method: "dpo" },
    },
  ],
  evaluations,
  curves: [{
    from: "curve/dpo@seed=1",
    axes: { method: "dpo", seed: 1 },
    content: { points: [point(2, 0.8), point(4, 0.5)] },
  }],
  steps: [{
    from: "train/dpo@seed=1",
    axes: { seed: 1, method: "dpo" },
    content: [record(1, 0), record(2, 1), record(3, 1)],
  }],
  baselines: ["ref", "dpo"],
  compareOn: ["gold"],
  resampling: { seed: 1, resamples: 1000 },
  window: 2,
};

Deno.test("compareSystems() gives the mean over seeds with a t interval", () => {
  const { systems, seeds, metrics } = compareSystems(request);
  assert.deepEqual(seeds, [1, 2]);
  assert.deepEqual(Object.keys(metrics), ["gold", "runOn"]);
  const { mean, perSeed, method, n, ci95 } = systems[0].metrics.gold;
  assert.ok(Math.abs(mean - 1 / 6) < 1e-12);
  assert.ok(Math.abs(perSeed[0]! - 1 / 3) < 1e-12 && perSeed[1] === 0);
  assert.deepEqual([method, n], ["t over 2 seeds", 6]);
  // t(0.975, 1) · sd / √2 with sd = (1/3)/√2, so 12.7062 / 6.
  assert.ok(Math.abs(ci95![1] - (1 / 6 + 12.706204736174694 / 6)) < 1e-9);
  assert.deepEqual(systems[1].origins, [
    { instance: "evaluate/dpo@seed=1", digest: "digest of evaluate/dpo@seed=1" },
    { instance: "evaluate/dpo@seed=2", digest: "digest of evaluate/dpo@seed=2" },
  ]);
});

Deno.test("compareSystems() compares every system with every baseline, paired by prompt", () => {
  const { comparisons } = compareSystems(request);
  assert.deepEqual(comparisons.map(({ a, b }) => `${a}/${b}`), [
    "dpo/ref",
    "dpo-stopped/ref",
    "ref/dpo",
    "dpo-stopped/dpo",
  ]);
  const [first, , turned] = comparisons;
  // Seed 1: win, tie, loss; seed 2: three wins.
  assert.deepEqual([first.wins, first.losses, first.ties], [4, 1, 1]);
  assert.deepEqual(first.winRate.perSeed, [50, 100]);
  assert.deepEqual(turned.winRate.perSeed, [50, 0]);
  assert.deepEqual(first.winRate.ci95, [0, 100]);
  assert.ok(Math.abs(first.difference.mean - (0.5 / 3 + 0.5) / 2) < 1e-12);
  // Two prompts: sums 1.5 and 0.5; of the four sign patterns two reach 2.
  assert.equal(first.pValue, 0.5);
});

Deno.test("compareSystems() puts each mean at its own seed when a system lacks one", () => {
  const fewer = evaluations.filter(({ from }) => from !== "evaluate/dpo@seed=1");
  const { systems, comparisons } = compareSystems({ ...request, evaluations: fewer });
  assert.deepEqual(systems[1].metrics.gold.perSeed, [null, 0.5]);
  assert.deepEqual(comparisons[0].difference.perSeed, [null, 0.5]);
});

Deno.test("compareSystems() says that seeds were tested on the same prompts", () => {
  assert.match(compareSystems(request).notes.at(-1)!, /all tested on the same prompts/);
  const own = evaluations.map((input) => {
    const clusters = ["x", "y", "y"].map((cluster) => `${cluster}${input.axes.seed}`);
    const itemSets = { prompts: { items: ["t:1", "t:2", "t:3"], clusters } };
    return { ...input, evaluation: { ...input.evaluation, itemSets } };
  });
  const { notes } = compareSystems({ ...request, evaluations: own });
  assert.match(notes.at(-1)!, /its own test prompts/);
});

Deno.test("compareSystems() takes the bootstrap over prompts where there is one seed", () => {
  const single = evaluations.filter(({ axes }) => axes.seed === 1);
  const { systems, notes, comparisons } = compareSystems({ ...request, evaluations: single });
  assert.equal(systems[1].metrics.gold.method, "bootstrap over 2 prompts");
  assert.equal(comparisons[0].winRate.method, "bootstrap over 2 prompts");
  assert.match(notes.at(-1)!, /^One seed: intervals and p-values are over prompts/);
});

Deno.test("compareSystems() lets an evaluation without a seed stand for every seed", () => {
  const shared = [
    input("evaluate-reference", {}, [0, 0, 0]),
    ...evaluations.slice(2),
  ];
  const { comparisons, systems } = compareSystems({ ...request, evaluations: shared });
  assert.deepEqual(comparisons[0].difference.perSeed, [0.5, 0.5]);
  assert.equal(systems[0].metrics.gold.n, 3);
  assert.deepEqual(systems[0].metrics.gold.perSeed, [0, 0]);
});

Deno.test("compareSystems() counts a system without seeds against another once", () => {
  const shared = [
    input("evaluate-reference", {}, [0, 0, 0]),
    input("evaluate/dpo", { method: "dpo" }, [1, 0, 0]),
    ...evaluations.slice(4),
  ];
  const { comparisons } = compareSystems({ ...request, evaluations: shared });
  assert.equal(comparisons[0].difference.n, 3);
});

Deno.test("compareSystems() turns win and loss round where lower is better", () => {
  const low = { ...evaluations[0], evaluation: evaluation([0, 0, 0], [0, 0, 0]) };
  const high = { ...evaluations[2], evaluation: evaluation([0, 0, 0], [100, 0, 0]) };
  const [comparison] = compareSystems({
    ...request,
    systems: request.systems.slice(0, 2),
    evaluations: [low, high],
    compareOn: ["runOn"],
  }).comparisons;
  assert.deepEqual([comparison.wins, comparison.losses, comparison.ties], [0, 1, 2]);
  assert.ok(comparison.difference.mean > 33);
});

Deno.test("compareSystems() merges curves and steps into the first system with their axes", () => {
  const { curves } = compareSystems(request);
  assert.equal(curves.length, 1);
  const { system, seed, points } = curves[0];
  assert.deepEqual([system, seed], ["dpo", 1]);
  assert.deepEqual(points, [
    {
      step: 2,
      values: {
        gold: 0.8,
        trainChosenLogp: -1.5,
        trainMargin: 0,
        trainAccuracy: 50,
        trainLoss: 1,
      },
    },
    {
      step: 3,
      values: { trainChosenLogp: -3, trainMargin: 0, trainAccuracy: 100, trainLoss: 1 },
    },
    { step: 4, values: { gold: 0.5 } },
  ]);
});

Deno.test("compareSystems() sets replies to one prompt side by side", () => {
  const [example] = compareSystems(request).examples;
  assert.deepEqual(example, {
    prompt: "copy dog cat",
    replies: [
      { system: "ref", text: "said 0", score: 0 },
      { system: "dpo", text: "said 1", score: 1 },
      { system: "dpo-stopped", text: "said 1", score: 1 },
    ],
  });
});

Deno.test("compareSystems() gives the same bytes for the same request", () => {
  assert.equal(JSON.stringify(compareSystems(request)), JSON.stringify(compareSystems(request)));
});

Deno.test("compareSystems() names every mismatch between systems and inputs at once", () => {
  const wrong = {
    ...request,
    systems: [
      { id: "ref", label: "Reference", from: "evaluate-refrence" },
      { id: "both", label: "Both", from: "evaluate" },
    ],
    evaluations: [...evaluations.slice(0, 1), ...evaluations.slice(2, 3), {
      ...evaluations[2],
      from: "evaluate/sft@seed=1",
    }],
  };
  assert.throws(() => compareSystems(wrong), {
    name: "InputError",
    message: [
      "3 problems:",
      '  systems[0].from: No input comes from "evaluate-refrence". Did you mean "evaluate-reference"?',
      '  systems[1].from: Expected one input a seed but found "evaluate/dpo@seed=1" and "evaluate/sft@seed=1".',
      '  evaluations: No system takes "evaluate-reference@seed=1".',
    ].join("\n"),
  });
});

Deno.test("compareSystems() refuses evaluations of different prompts", () => {
  const changed = evaluations.map((input, i) => {
    if (i !== 2) return input;
    const itemSets = { prompts: { items: ["t:1", "t:2", "t:4"], clusters: ["x", "y", "z"] } };
    return { ...input, evaluation: { ...input.evaluation, itemSets } };
  });
  assert.throws(() => compareSystems({ ...request, evaluations: changed }), {
    name: "InputError",
    message: 'evaluations: Expected "evaluate/dpo@seed=1" and "evaluate-reference@seed=1" to be ' +
      "of the same items, in the same order, but they are not.",
  });
});

Deno.test("compareSystems() names metrics that were not measured", () => {
  const wrong = { ...request, compareOn: ["gold", "goldGreedy"], metrics: ["kl"] } as const;
  assert.throws(() => compareSystems(wrong), {
    name: "InputError",
    message: [
      "2 problems:",
      "  compareOn[1]: No evaluation holds goldGreedy; expected one of gold, runOn.",
      "  metrics[0]: No evaluation holds kl; expected one of gold, runOn.",
    ].join("\n"),
  });
});

Deno.test("compareSystems() has each component's share of the gradient in percent, where measured", () => {
  const measured = { preferenceShare: 0.25, regulariserShare: 0.75 };
  const content = [record(1, 0), { ...record(2, 1), ...measured }, record(3, 1)];
  const { curves } = compareSystems({ ...request, steps: [{ ...request.steps[0], content }] });
  const shares = curves[0].points.map(({ step, values }) =>
    [step, values.trainPreferenceShare, values.trainRegulariserShare] as const
  );
  assert.deepEqual(shares, [[2, 25, 75], [3, undefined, undefined], [4, undefined, undefined]]);
});

Deno.test("compareSystems() tells how replies' lengths are spread, all seeds together", () => {
  assert.equal("replyLengths" in compareSystems(request), false, "none were measured");
  const measured = evaluations.map((input, i) => {
    if (i !== 2 && i !== 3) return input;
    const length = { over: "prompts", values: i === 2 ? [4, 1, 2] : [3, 6, 5] };
    const metrics = { ...input.evaluation.metrics, length };
    return { ...input, evaluation: { ...input.evaluation, metrics } };
  });
  const { replyLengths } = compareSystems({ ...request, evaluations: measured });
  assert.deepEqual(Object.keys(replyLengths!), ["dpo"]);
  const { n, min, median, p75, max, mean } = replyLengths!.dpo;
  assert.deepEqual([n, min, median, p75, max, mean], [6, 1, 3, 5, 6, 3.5]);
});
