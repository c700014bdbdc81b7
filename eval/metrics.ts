import type { Metric } from "../core/results.ts";

/** Every quantity an evaluation may hold, by the name it has in `evaluation.json`. */
export const METRICS = {
  gold: {
    label: "Gold reward",
    unit: "reward",
    better: "higher",
    describe: "Gold reward of one sampled reply a prompt",
    digits: 3,
  },
  goldGreedy: {
    label: "Gold reward, greedy",
    unit: "reward",
    better: "higher",
    describe: "Gold reward of the greedy reply to each prompt",
    digits: 3,
  },
  right: {
    label: "Right",
    unit: "percent",
    better: "higher",
    describe: "Sampled replies with every place right and nothing else said",
    digits: 1,
  },
  runOn: {
    label: "Run-on or malformed",
    unit: "percent",
    better: "lower",
    describe: "Sampled replies with too many words, or not ended cleanly",
    digits: 1,
  },
  runOnGreedy: {
    label: "Run-on or malformed, greedy",
    unit: "percent",
    better: "lower",
    describe: "Greedy replies with too many words, or not ended cleanly",
    digits: 1,
  },
  length: {
    label: "Length",
    unit: "tokens",
    better: null,
    describe: "Tokens of a reply, its end token included",
    digits: 1,
  },
  ended: {
    label: "Ended",
    unit: "percent",
    better: "higher",
    describe: "Replies that end by themselves, within the tokens allowed; the others run on",
    digits: 1,
  },
  kl: {
    label: "KL to reference",
    unit: "nats",
    better: null,
    describe: "Mean of log π(y|x) − log π_ref(y|x) over the policy's own sampled replies",
    digits: 2,
  },
  accuracy: {
    label: "Preference accuracy",
    unit: "percent",
    better: "higher",
    describe:
      "Held-out pairs whose implicit reward margin is above 0; a margin of 0 counts half, " +
      "so the reference itself has 50 by definition",
    digits: 1,
  },
  margin: {
    label: "Margin",
    unit: "nats",
    better: null,
    describe: "Held-out pairs: change of log π(chosen) − log π(rejected) against the reference",
    digits: 2,
  },
  chosenLogp: {
    label: "Chosen log-prob",
    unit: "nats",
    better: null,
    describe: "Held-out pairs: summed log-prob of the chosen reply",
    digits: 2,
  },
  rejectedLogp: {
    label: "Rejected log-prob",
    unit: "nats",
    better: null,
    describe: "Held-out pairs: summed log-prob of the rejected reply",
    digits: 2,
  },
  chosenLogpChange: {
    label: "Change of chosen log-prob",
    unit: "nats",
    better: null,
    describe: "Held-out pairs: summed log-prob of the chosen reply, minus the reference's",
    digits: 2,
  },
  rejectedLogpChange: {
    label: "Change of rejected log-prob",
    unit: "nats",
    better: null,
    describe: "Held-out pairs: summed log-prob of the rejected reply, minus the reference's",
    digits: 2,
  },
  chosenNll: {
    label: "Chosen NLL",
    unit: "nats/token",
    better: "lower",
    describe: "Held-out pairs: negative log-prob of the chosen reply a token",
    digits: 3,
  },
  rejectedNll: {
    label: "Rejected NLL",
    unit: "nats/token",
    better: null,
    describe: "Held-out pairs: negative log-prob of the rejected reply a token",
    digits: 3,
  },
  outOfCoverageAccuracy: {
    label: "Out-of-coverage accuracy",
    unit: "percent",
    better: "higher",
    describe: "Pairs of a covered reply and a worse run-on, which training pairs never show, " +
      "whose implicit reward margin is above 0; a margin of 0 counts half",
    digits: 1,
  },
  outOfCoverageMargin: {
    label: "Out-of-coverage margin",
    unit: "nats",
    better: null,
    describe: "The margin on pairs of a covered reply and a worse run-on",
    digits: 2,
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;

/** The names in their order. */
export const METRIC_NAMES = Object.keys(METRICS) as [MetricName, ...MetricName[]];

/** The metrics of which more, or less, is better. */
export type DirectedMetric = {
  [Name in MetricName]: (typeof METRICS)[Name]["better"] extends null ? never : Name;
}[MetricName];

/** Their names, in the order of `METRICS`: what systems can be ranked by. */
export const DIRECTED_METRICS = METRIC_NAMES.filter((name): name is DirectedMetric =>
  METRICS[name].better !== null
) as [DirectedMetric, ...DirectedMetric[]];
