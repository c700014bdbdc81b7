import assert from "node:assert/strict";
import { FAMILIES } from "../../train/models/families.ts";
import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { HostAsDevice, twoSteps } from "./device_steps.ts";
import { relativeError } from "./golden.ts";
import { JoinedRanks } from "./parallel/joined_ranks.ts";
import { TOLERANCE, weightDistance } from "./parallel/same_weights.ts";

const cases = [
  ...FAMILIES.map((family) => ({ family, adapted: false })),
  { family: "llama", adapted: true } as const,
];

const WAYS = {
  "": {},
  " with logits by chunks": { vocabularyChunk: 20 },
  " with attention in blocks": { attentionBlocks: { prompts: 2, replies: 3 } },
  " with fused attention": { attentionBlocks: { prompts: 1, replies: 1, fused: true } },
  " with fused attention, its gradient in blocks": {
    attentionBlocks: { prompts: 2, replies: 3, fused: true },
  },
};

for (
  const { how, way, ...options } of cases.flatMap((one) =>
    Object.entries(WAYS).map(([how, way]) => ({ ...one, how, way }))
  )
) {
  const { adapted, family } = options;
  const what = `${adapted ? "an adapter to " : ""}${family}${how}`;
  Deno.test(`steps of ${what} on a device, as graphs are written for it, equal the CPU's plain ones`, async () => {
    const host = await openRuntime({ threads: 1 });
    const expected = await twoSteps(host, options);
    const found = await twoSteps(new HostAsDevice(host), { ...options, ...way });
    assert(relativeError(found.gradient.gradNorm, expected.gradient.gradNorm) < 1e-5);
    assert(relativeError(found.gradient.preference, expected.gradient.preference) < 1e-5);
    for (const [name, norm] of expected.norms) {
      assert(relativeError(found.norms.get(name)!, norm) < 1e-4, name);
    }
    for (const [name, { data }] of expected.weights) {
      const other = found.weights.get(name)!.data;
      data.forEach((x, i) => assert(Math.abs(other[i] - x) < 2e-4, `${name}[${i}]`));
    }
  });
}

for (const vocabularyChunk of [undefined, 20]) {
  const how = vocabularyChunk === undefined ? "" : ", with logits by chunks,";
  const name = `steps in two processes on devices of their own${how} equal those in one`;
  Deno.test(name, () => inTwoProcesses(vocabularyChunk));
}

async function inTwoProcesses(vocabularyChunk: number | undefined): Promise<void> {
  const host = await openRuntime({ threads: 1 });
  const options = { family: "llama", adapted: false, vocabularyChunk } as const;
  const alone = await twoSteps(new HostAsDevice(host), options);
  const together = await new JoinedRanks(2).run((ranks) =>
    twoSteps(new HostAsDevice(host), { ...options, ranks })
  );
  for (const { gradient, norms, weights } of together) {
    assert(relativeError(gradient.gradNorm, alone.gradient.gradNorm) < 1e-5);
    for (const [name, norm] of alone.norms) {
      assert(relativeError(norms.get(name)!, norm) < 1e-4, name);
    }
    const { name, value } = weightDistance(weights, alone.weights);
    assert(value <= TOLERANCE && value > 0, `${name}: ${value}`);
  }
}
