import assert from "node:assert/strict";
import { float32 } from "../../core/tensor.ts";
import type { Weights } from "../../train/models/weights.ts";
import { trainModel } from "../../train/trainer.ts";
import { NEEDS_PEERS, peersPresent, PYTHON } from "../peers.ts";
import { runPython } from "../run_python.ts";
import { goldenFolder, goldenModel, goldenPairs, relativeError } from "./golden.ts";
import { goldenRun } from "./golden_run.ts";
import { weightDistance } from "./parallel/same_weights.ts";

/** What PyTorch saw of its steps, and its weights after them. */
interface PeerRun {
  readonly steps: readonly {
    readonly loss: number;
    readonly lr: number;
    readonly lossScale: number;
    /** Null where it was not finite. */
    readonly gradNorm: number | null;
  }[];
  /** Base64 of float32. */
  readonly weights: Readonly<Record<string, string>>;
}

const BETA = 0.1;
const BATCH_PAIRS = 4;
const SCALING = { initial: 2 ** 24, growthInterval: 3 };
const SCHEDULE = { name: "cosine", peak: 1e-3, steps: 16, warmupSteps: 2, minimum: 0 } as const;

async function peerRun(): Promise<PeerRun> {
  const { peak, steps, warmupSteps } = SCHEDULE;
  const pairs = goldenPairs().map(({ prompt, chosen, rejected }) => ({
    prompt: [...prompt],
    chosen: [...chosen],
    rejected: [...rejected!],
  }));
  const request = {
    ...{ model: goldenFolder("llama/model"), pairs, beta: BETA, batchPairs: BATCH_PAIRS },
    ...{ peak, steps, warmupSteps, ...SCALING },
  };
  const script = new URL("loss_scale_peer.py", import.meta.url);
  return JSON.parse(await runPython(PYTHON, script, request));
}

function weightsOf({ weights }: PeerRun): Weights {
  return new Map(
    Object.entries(weights).map(([name, base64]) => {
      const data = new Float32Array(Uint8Array.fromBase64(base64).buffer);
      return [name, float32([data.length], data)];
    }),
  );
}

Deno.test({
  name: `trainModel() in float16 scales, skips and steps as PyTorch's GradScaler ${NEEDS_PEERS}`,
  ignore: !peersPresent,
  async fn() {
    const expected = await peerRun();
    const model = await goldenModel("llama");
    const { steps, model: trained } = await trainModel(
      goldenRun(model, { loss: "dpo", beta: BETA }, {
        precision: "float16",
        lossScaling: SCALING,
        schedule: SCHEDULE,
        batchPairs: BATCH_PAIRS,
        adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
      }),
    );
    assert.deepEqual(
      steps.map(({ lossScale, gradNorm }) => [lossScale, gradNorm === null]),
      expected.steps.map(({ lossScale, gradNorm }) => [lossScale, gradNorm === null]),
    );
    assert.equal(steps.at(-1)!.skippedSteps, 7, "before the scale is small enough");
    expected.steps.forEach(({ loss, lr, gradNorm }, i) => {
      const found = steps[i];
      assert(Math.abs(found.lr - lr) < 1e-12, `step ${i + 1}: rate ${found.lr} ≠ ${lr}`);
      assert(relativeError(found.loss, loss) < 0.01, `step ${i + 1}: ${found.loss} ≠ ${loss}`);
      if (gradNorm === null) return;
      const error = relativeError(found.gradNorm, gradNorm);
      assert(error < 0.01, `step ${i + 1}: norm ${found.gradNorm} ≠ ${gradNorm}`);
    });
    const { name, value } = weightDistance(trained.weights, weightsOf(expected));
    assert(value < 2e-3, `${name}: ${value}`); // training moved them ten times as far
  },
});
