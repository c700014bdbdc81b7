import { join } from "node:path";
import { PROJECT_FOLDER } from "../cli/project.ts";
import type { Measurement } from "./main.ts";

const RUNS = 9;

/** The recipe tiny with all its instances, each as small as it can be. */
const SMALL = [
  "world.demonstrations=512",
  "world.trainPrompts=64",
  "reference.batchPairs=32",
  "collect.train={ samplesPerPrompt: 8, pairsPerPrompt: 2 }",
  "train.epochs=1",
  "train.snapshots={ every: 4 }",
];

/** Seconds of a whole `reproduce` process when every stage is cached. */
export async function measureNoOp(): Promise<Measurement[]> {
  const store = await Deno.makeTempDir({ prefix: "ballast-bench-" });
  try {
    await reproduce(store);
    const values: number[] = [];
    for (let i = 0; i < RUNS; i++) {
      const start = performance.now();
      await reproduce(store);
      values.push((performance.now() - start) / 1000);
    }
    return [{ what: "deno task reproduce with nothing to do", unit: "s", values }];
  } finally {
    await Deno.remove(store, { recursive: true });
  }
}

async function reproduce(store: string): Promise<void> {
  const set = SMALL.flatMap((text) => ["--set", text]);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "reproduce", "--store", store, ...set],
    cwd: PROJECT_FOLDER,
    env: { INIT_CWD: join(PROJECT_FOLDER) },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
