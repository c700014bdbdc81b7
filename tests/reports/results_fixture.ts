import { Random } from "../../core/random.ts";
import type { Spread } from "../../core/spread.ts";
import type { Comparison, Curve, Estimate, Results, SystemResult } from "../../core/results.ts";

/** What the made-up numbers of one system are drawn around. */
interface Shape {
  readonly id: string;
  readonly label: string;
  /** Gold reward of each seed. */
  readonly gold: readonly number[];
  readonly accuracy: number;
  readonly kl: number;
}

const shapes: readonly Shape[] = [
  { id: "ref", label: "Ref", gold: [0.63, 0.66, 0.62], accuracy: 71.4, kl: 0 },
  { id: "sft", label: "SFT on chosen", gold: [0.73, 0.76, 0.74], accuracy: 78.2, kl: 0.9 },
  { id: "dpo", label: "DPO", gold: [0.25, 0.88, 0.85], accuracy: 86.1, kl: 6.8 },
  { id: "dpo-stopped", label: "DPO, stopped", gold: [0.86, 0.89, 0.87], accuracy: 86.9, kl: 3.1 },
  { id: "rpo-sum", label: "RPO sum", gold: [0.86, 0.89, 0.85], accuracy: 88.0, kl: 2.8 },
  {
    id: "rpo-sequence-mean",
    label: "RPO sequence_mean",
    gold: [0.87, 0.88, 0.85],
    accuracy: 87.7,
    kl: 2.9,
  },
];

/** A made-up `Results` in the shape of the recipe `tiny`: none of its numbers was measured. */
export function resultsFixture(): Results {
  return {
    seeds: [0, 1, 2],
    metrics: {
      gold: {
        label: "Gold reward",
        unit: "reward",
        better: "higher",
        describe: "Gold reward of one sampled reply for each test prompt, −1 to 1.",
        digits: 3,
      },
      accuracy: {
        label: "Preference accuracy",
        unit: "percent",
        better: "higher",
        describe: "Held-out pairs whose chosen reply has the larger implicit reward.",
        digits: 1,
      },
      kl: {
        label: "KL to Ref",
        unit: "nats",
        better: null,
        describe: "Mean log-ratio to the reference on the policy's own samples.",
        digits: 2,
      },
    },
    systems: shapes.map(systemFixture),
    comparisons: shapes.flatMap((a, i) => shapes.slice(0, i).map((b) => comparisonFixture(a, b))),
    curves: curvesFixture(),
    replyLengths: Object.fromEntries(shapes.map(({ id }, i) => [id, lengthsFixture(6 + i)])),
    notes: ["A fixture: these numbers are made up and were measured nowhere."],
    examples: [
      {
        prompt: "name three fruits",
        replies: shapes.map(({ id }) => ({
          system: id,
          text: id === "dpo"
            ? "plum fig fig fig fig fig fig fig fig fig fig fig fig"
            : "plum fig apple .",
          score: id === "dpo" ? -1 : 1,
        })),
      },
      {
        prompt: "reverse dog milk saw",
        replies: shapes.map(({ id }) => ({ system: id, text: "saw milk dog .", score: null })),
      },
    ],
  };
}

/** Lengths around a centre, the longest far away, as those of replies are. */
function lengthsFixture(centre: number): Spread {
  const offsets = {
    min: -4,
    p10: -3,
    p25: -2,
    median: 0,
    p75: 2,
    p90: 6,
    p99: 20,
    max: 40,
    mean: 1,
  };
  const lengths = Object.entries(offsets).map(([name, offset]) => [name, centre + offset]);
  return { n: 900, ...Object.fromEntries(lengths) } as Spread;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Mean over three seeds with the interval of Student's t (4.303 for two degrees of freedom). */
function overSeeds(perSeed: readonly number[], n: number): Estimate {
  const centre = mean(perSeed);
  const variance = perSeed.reduce((sum, value) => sum + (value - centre) ** 2, 0) / 2;
  const half = 4.303 * Math.sqrt(variance / 3);
  return {
    mean: centre,
    ci95: [centre - half, centre + half],
    method: "t over 3 seeds",
    n,
    clusters: n / 2,
    perSeed,
  };
}

function systemFixture(shape: Shape): SystemResult {
  const spread = [-0.02, 0.03, -0.01];
  return {
    id: shape.id,
    label: shape.label,
    metrics: {
      gold: overSeeds(shape.gold, 900),
      accuracy: overSeeds(spread.map((d) => shape.accuracy + 20 * d), 600),
      kl: overSeeds(spread.map((d) => Math.max(0, shape.kl * (1 + 3 * d))), 900),
    },
    origins: [0, 1, 2].map((seed) => ({
      instance: `evaluate/${shape.id}@seed=${seed}`,
      digest: `${seed}${shape.id.length.toString(16)}`.padEnd(64, "ab"),
    })),
  };
}

function comparisonFixture(a: Shape, b: Shape): Comparison {
  const differences = a.gold.map((gold, seed) => gold - b.gold[seed]);
  const wins = Math.round(300 + 250 * mean(differences));
  const losses = Math.round(300 - 250 * mean(differences));
  return {
    a: a.id,
    b: b.id,
    metric: "gold",
    wins,
    losses,
    ties: 900 - wins - losses,
    winRate: overSeeds(differences.map((d) => 50 + 30 * d), 900),
    difference: overSeeds(differences, 900),
    pValue: Math.abs(mean(differences)) > 0.015 ? 0.0002 : 0.43,
  };
}

/** Gold reward and log-probs at 13 snapshots; DPO's seed 0 collapses. */
function curvesFixture(): Curve[] {
  const random = Random.seeded(0, "results fixture");
  return shapes.filter(({ id }) => id !== "ref" && id !== "dpo-stopped").flatMap((shape) =>
    shape.gold.map((end, seed) => ({
      system: shape.id,
      label: shape.label,
      seed,
      points: Array.from({ length: 13 }, (_, i) => {
        const part = i / 12;
        const peak = shape.id === "dpo" ? Math.max(end, 0.87) : end;
        const gold = 0.64 + (peak - 0.64) * (1 - Math.exp(-4 * part)) -
          (peak - end) * part ** 3 + 0.015 * (random.uniform() - 0.5);
        const drift = (shape.id === "dpo" ? -9 : shape.id === "sft" ? 1.8 : 0.5) - 0.8 * seed;
        const chosenLogp = -9 + drift * part + 0.3 * (random.uniform() - 0.5);
        const fall = shape.id === "sft" ? 0.5 : 14;
        const share = shape.id === "dpo" ? 0 : shape.id === "sft" ? 100 : 60 - 35 * part + 4 * seed;
        return {
          step: 40 * i,
          values: {
            gold,
            kl: (shape.id === "dpo" ? 12 : 3) * part ** 1.5 + 0.2 * seed * part,
            winRate: 50 + 90 * (gold - 0.64),
            chosenLogp,
            rejectedLogp: -10.5 - fall * part + 0.3 * random.uniform(),
            margin: (fall + drift) * part,
            accuracy: 50 + (shape.accuracy - 50) * Math.sqrt(part) - seed,
            trainRegulariserShare: share,
            trainPreferenceShare: 100 - share,
          },
        };
      }),
    }))
  );
}
