import assert from "node:assert/strict";
import type { TrainOptions } from "../../../train/train_options.ts";
import { trainModel } from "../../../train/trainer.ts";
import { tinyPairs, tinyRun } from "../tiny_run.ts";
import { JoinedRanks } from "./joined_ranks.ts";
import { TOGETHER } from "./runs.ts";
import { TOLERANCE, trainedWeights, weightDistance } from "./same_weights.ts";

/** Of figures of steps, relative, of small ones absolute: those of one pair are sums of few numbers. */
const FIGURES_TOLERANCE = 1e-4;

async function trainTogether(size: number, options: TrainOptions) {
  return await new JoinedRanks(size).run((ranks) => trainModel({ ...options, ranks }));
}

const runs: Readonly<Record<string, () => Promise<TrainOptions>>> = {
  ...TOGETHER,
  "a batch with fewer pairs than processes": () => Promise.resolve(tinyRun({ batchPairs: 3 })),
  "demonstrations of which rejected replies are scored": () =>
    Promise.resolve(tinyRun({ batchPairs: 5, loss: { loss: "sft", sft: "token_mean" } })),
  "measured parts of the loss": () =>
    Promise.resolve(tinyRun({ batchPairs: 4, gradientShareSteps: 3 })),
};

for (const [name, optionsOf] of Object.entries(runs)) {
  for (const size of [2, 4]) {
    Deno.test(`trainModel() of ${size} processes gives what one gives: ${name}`, async () => {
      const options = await optionsOf();
      const alone = await trainModel(options);
      const [first, ...others] = await trainTogether(size, options);
      const { name: worst, value } = weightDistance(trainedWeights(first), trainedWeights(alone));
      assert(value <= TOLERANCE, `${worst}: ${value}`);
      const otherwise = trainedWeights(await trainModel(withOtherRate(options)));
      assert(weightDistance(otherwise, trainedWeights(alone)).value > 10 * TOLERANCE);
      for (const other of others) {
        assert.deepEqual(
          trainedWeights(other),
          trainedWeights(first),
          "the same bytes in every process",
        );
        assert.deepEqual(other.steps, first.steps);
      }
      alone.steps.forEach((record, i) => {
        for (const [field, value] of Object.entries(record)) {
          const found = first.steps[i][field as keyof typeof record];
          if (value === null) assert.equal(found, null, field);
          else {
            const away = Math.abs(Number(found) - value) / Math.max(1, Math.abs(value));
            assert(
              away <= FIGURES_TOLERANCE,
              `step ${record.step}: ${field}: ${found}, not ${value}`,
            );
          }
        }
      });
    });
  }
}

/** The same run at another learning rate, which the tolerance must tell apart. */
function withOtherRate(options: TrainOptions): TrainOptions {
  return { ...options, schedule: { ...options.schedule, peak: options.schedule.peak * 1.01 } };
}

Deno.test("trainModel() of several processes gives the same bytes each time", async () => {
  const options = tinyRun({ batchPairs: 5 });
  const [[once], [again]] = [await trainTogether(3, options), await trainTogether(3, options)];
  assert.deepEqual(again.model.weights, once.model.weights);
  assert.deepEqual(again.steps, once.steps);
});

Deno.test("trainModel() of several processes goes on from a checkpoint to the same bytes", async () => {
  const folder = await Deno.makeTempDir();
  const snapshots = { folder: `${folder}/snapshots`, steps: [0, 4, 12] };
  const checkpoints = { folder: `${folder}/checkpoints`, everySteps: 5 };
  const options = tinyRun({ batchPairs: 5, snapshots, checkpoints });
  const whole = await trainTogether(2, tinyRun({ batchPairs: 5 }));
  const stopping = new AbortController();
  const stopped = trainTogether(2, {
    ...options,
    onStep: ({ step }) => {
      if (step === 7) stopping.abort();
    },
    signal: stopping.signal,
  });
  await assert.rejects(stopped, { name: "AbortError" });
  const resumed: number[] = [];
  const after = await trainTogether(2, {
    ...options,
    onStep: ({ step }) => resumed.push(step),
  });
  assert.deepEqual([...new Set(resumed)], [8, 9, 10, 11, 12]);
  assert.deepEqual(after[0].model.weights, whole[0].model.weights);
  assert.deepEqual(after[1].model.weights, whole[0].model.weights);
  assert.deepEqual(after[0].steps, whole[0].steps);
  const kept = [...Deno.readDirSync(snapshots.folder)].map(({ name }) => name).sort();
  assert.deepEqual(kept, ["index.json", "step-000000", "step-000004", "step-000012"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("trainModel() names the numbers of processes when a checkpoint is of another one", async () => {
  const folder = await Deno.makeTempDir();
  const options = tinyRun({ batchPairs: 4, checkpoints: { folder, everySteps: 5 } });
  await trainTogether(2, options);
  await assert.rejects(trainModel(options), {
    name: "ExpectedError",
    message:
      /belongs to a run .*, weights or pairs \(of 2 processes, this one has 1\); resume with/,
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("trainModel() of several processes stops all of them when one is asked to", async () => {
  const stopping = new AbortController();
  let steps = 0;
  const ended = await Promise.allSettled(
    new JoinedRanks(2).ranks.map((ranks) =>
      trainModel({
        ...tinyRun(),
        ranks,
        signal: ranks.rank === 1 ? stopping.signal : undefined,
        onStep: ({ step }) => {
          steps = step;
          if (ranks.rank === 1 && step === 3) stopping.abort();
        },
      })
    ),
  );
  assert.equal(steps, 3);
  assert(ended.every((end) => end.status === "rejected" && end.reason.name === "AbortError"));
});

Deno.test("trainModel() of several processes refuses a step that is not finite in all of them", async () => {
  const pairs = tinyPairs(4);
  const reference = pairs.map(({ id, chosen, rejected }, i) => ({
    id,
    chosenLogp: i === 3 ? NaN : -1,
    rejectedLogp: -1,
    chosenTokens: chosen.length,
    rejectedTokens: rejected!.length,
  }));
  const options = tinyRun({ pairs, reference, batchPairs: 4, order: "sequential" });
  const ended = await Promise.allSettled(
    new JoinedRanks(2).ranks.map((ranks) => trainModel({ ...options, ranks })),
  );
  for (const end of ended) {
    assert.match(String((end as PromiseRejectedResult).reason), /chosenLogp of pair pair:3 is NaN/);
  }
});
