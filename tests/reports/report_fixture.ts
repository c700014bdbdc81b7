import { entryOf } from "../../core/instance_id.ts";
import type { ReportInput } from "../../reports/report_input.ts";
import { CLAIM } from "../../reports/report_input.ts";
import type { RunFacts, StageFacts } from "../../reports/run_facts.ts";
import { resultsFixture } from "./results_fixture.ts";

/** Lengths of tokens, each another one. */
const lengths = (max: number) => ({
  n: 200,
  min: 1,
  p10: max / 8,
  p25: max / 4,
  mean: max / 2 + 0.25,
  median: max / 2,
  p75: max - 4,
  p90: max - 2,
  p99: max - 1,
  max,
});

/** A made-up report in the shape of the recipe `tiny`, without figures. */
export function reportFixture(): ReportInput {
  return {
    title: "Fixture: does the SFT term prevent over-optimisation?",
    claim: CLAIM,
    test: {
      metric: "gold",
      methods: ["rpo-sum", "rpo-sequence-mean"],
      opponents: [
        { system: "dpo", as: "DPO at its end" },
        { system: "dpo-stopped", as: "DPO stopped by validation" },
        { system: "sft", as: "SFT on the chosen replies alone" },
      ],
      overOptimised: { end: "dpo", stopped: "dpo-stopped" },
    },
    notes: ["A model of this size cannot chat."],
    results: resultsFixture(),
    table: {
      title: "Gold reward and win rates on the test prompts",
      columns: [
        { metric: "gold" },
        { winRateOver: "ref" },
        { winRateOver: "dpo" },
        { winRateOver: "dpo-stopped" },
        { metric: "accuracy" },
        { metric: "kl" },
      ],
    },
    figures: [],
    audits: [0, 1, 2].map((seed) => ({
      origin: { instance: `audit@seed=${seed}`, digest: `audit ${seed}`.padEnd(64, "0") },
      passed: true,
      sets: ["train", "evaluation"].map((role) => ({
        name: `tokenize/${role}@seed=${seed}`,
        role,
        pairs: role === "train" ? 2560 : 200,
        truncation: { none: 200, prompt: seed, replies: 0, "prompt-and-replies": 0 },
        lengths: {
          before: { prompt: lengths(90), chosen: lengths(9), rejected: lengths(16) },
          after: { prompt: lengths(8), chosen: lengths(9), rejected: lengths(16) },
        },
      })),
      findings: seed === 0
        ? [{
          severity: "warning",
          accepted: false,
          set: "tokenize/train@seed=0",
          count: 23,
          rows: Array.from({ length: 20 }, (_, i) => `train:${2 * i + 1}`),
          message: "23 pairs have the same reply twice",
          remedy: "Where it matters, drop them.",
        }]
        : [],
    })),
  };
}

/** Made-up facts of a run that ran one stage and found the others: data, training, evaluation, table. */
export function runFactsFixture(): RunFacts {
  const { systems } = resultsFixture();
  const seeds = [0, 1, 2];
  const evaluations = systems.flatMap(({ origins }, i) =>
    origins.map(({ instance, digest }, seed) => {
      const trained = `train/${instance.split(/[/@]/)[1]}@seed=${seed}`;
      return stageFixture(instance, "evaluation", {
        key: `${i}${seed}`.padEnd(64, "c"),
        state: i === 0 && seed === 0 ? "ran" : "cached",
        begun: i === 0 && seed === 0 ? 2.5 : null,
        seconds: 1.5 + i + seed / 10,
        inputs: [{ port: "policy", instance: trained, digest: "model".padEnd(64, "0") }],
        outputs: [{ port: "evaluation", type: "evaluation", digest, bytes: 10 }],
        warnings: i === 2 && seed === 0 ? ["34% of the replies ran on"] : [],
      });
    })
  );
  const worlds = seeds.map((seed) => stageFixture(`world@seed=${seed}`, "pairs", {}));
  const tokens = seeds.map((seed) =>
    stageFixture(`tokens@seed=${seed}`, "tokens", { inputs: [from(worlds[seed])] })
  );
  const trainings = systems.flatMap(({ id }) =>
    seeds.map((seed) =>
      stageFixture(`train/${id}@seed=${seed}`, "model", {
        inputs: [from(tokens[seed])],
        params: { loss: id, seed },
      })
    )
  );
  const compare = stageFixture("compare", "results", { inputs: evaluations.map(from) });
  return {
    recipe: "tiny",
    run: "0007",
    report: { instance: "report", digest: "report".padEnd(64, "0") },
    resolved: "name: tiny\nseeds: [0, 1, 2]\nstages:\n  train:\n    beta: 0.1\n",
    command: "deno task reproduce --recipe tiny",
    startedAt: "2026-01-02T03:04:05Z",
    seconds: 251.3,
    versions: { Ballast: "0.1.0", Deno: "2.9.6", onnxruntime: "1.29.0" },
    code: "c0de".padEnd(64, "0"),
    machine: { Processor: "fixture, 2 cores", Memory: "8 GiB" },
    stages: [
      ...[...worlds, ...tokens, ...trainings, ...evaluations, compare],
      stageFixture("report", "report", { inputs: [from(compare)] }),
    ],
    warnings: [],
  };
}

/** What a stage reads of another: its first output. */
function from({ instance, outputs: [{ port, digest }] }: StageFacts): StageFacts["inputs"][number] {
  return { port, instance, digest };
}

/** A made-up stage that gave one artifact of a type in an earlier run. */
export function stageFixture(
  instance: string,
  type: string,
  over: Partial<StageFacts>,
): StageFacts {
  return {
    instance,
    stage: entryOf(instance),
    key: `key of ${instance}`,
    state: "cached",
    seconds: 2,
    begun: null,
    finishedAt: "2026-01-02T03:04:00Z",
    peakMemoryBytes: 310e6,
    answers: null,
    dollars: null,
    inputs: [],
    outputs: [{ port: type, type, digest: `${type} of ${instance}`, bytes: 10 }],
    params: { seed: 1 },
    sources: {},
    code: "code".padEnd(64, "0"),
    packages: ["zod@4.6.7"],
    facts: {},
    host: { isa: "x86-64 avx2", os: "linux", deno: "2.9.6" },
    warnings: [],
    ...over,
  };
}
