import { elementCount } from "../../core/tensor.ts";
import { writeJson } from "../../core/json_file.ts";
import { writeSafetensors } from "./safetensors.ts";
import { STORAGE, type StorageDtype } from "./storage_dtype.ts";
import type { Weights } from "./weights.ts";

/** How weights are laid out in a folder. */
export interface ShardOptions {
  readonly dtype: StorageDtype;
  /** Most bytes of weights in one file; a single weight that is larger has a file of its own. */
  readonly maxShardBytes: number;
}

/**
 * Writes weights as `readSafetensorsFolder` and transformers read them: `model.safetensors`, or shards
 * with `model.safetensors.index.json` where one file would be too large.
 */
export async function writeSafetensorsFolder(
  folder: string,
  weights: Weights,
  { dtype, maxShardBytes }: ShardOptions,
): Promise<void> {
  const bytes = (name: string) => elementCount(weights.get(name)!.dims) * STORAGE[dtype].size;
  const shards = shardNames([...weights.keys()].sort(), bytes, maxShardBytes);
  if (shards.length === 1) {
    await writeSafetensors(`${folder}/model.safetensors`, weights, { dtype });
    return;
  }
  const digits = (number: number) => String(number).padStart(5, "0");
  const shardOf: Record<string, string> = {};
  for (const [i, names] of shards.entries()) {
    const file = `model-${digits(i + 1)}-of-${digits(shards.length)}.safetensors`;
    const part = new Map(names.map((name) => [name, weights.get(name)!]));
    await writeSafetensors(`${folder}/${file}`, part, { dtype });
    for (const name of names) shardOf[name] = file;
  }
  const size = Object.keys(shardOf).reduce((sum, name) => sum + bytes(name), 0);
  await writeJson(`${folder}/model.safetensors.index.json`, {
    metadata: { total_size: size },
    weight_map: shardOf,
  });
}

/** The names in runs that each fit a file. */
function shardNames(
  names: readonly string[],
  bytes: (name: string) => number,
  most: number,
): string[][] {
  const shards: string[][] = [[]];
  let filled = 0;
  for (const name of names) {
    if (filled > 0 && filled + bytes(name) > most) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)!.push(name);
    filled += bytes(name);
  }
  return shards;
}
