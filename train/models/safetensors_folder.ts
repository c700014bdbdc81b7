import type { Json } from "../../core/json.ts";
import { InputError, type Problem, refuseProblems } from "../../core/problem.ts";
import { isFile, requireFile } from "../../core/is_file.ts";
import { readJson } from "../../core/json_file.ts";
import { readSafetensorsHeader } from "./safetensors_header.ts";
import type { StoredTensor } from "./stored_tensor.ts";

/**
 * What the safetensors files of a Hugging Face folder hold: `model.safetensors`, or the shards that
 * `model.safetensors.index.json` names.
 *
 * @throws InputError for a missing file, a header that does not fit its file, an index that names files
 * elsewhere or that does not say what the shards hold
 */
export async function readSafetensorsFolder(folder: string): Promise<Map<string, StoredTensor>> {
  const indexPath = `${folder}/model.safetensors.index.json`;
  if (await isFile(`${folder}/model.safetensors`) || !await isFile(indexPath)) {
    return new Map(await readShard(folder, "model.safetensors"));
  }
  const shardOf = await readIndex(indexPath);
  const found = new Map<string, StoredTensor>();
  const problems: Problem[] = [];
  for (const shard of [...new Set(shardOf.values())].sort()) {
    for (const [name, tensor] of await readShard(folder, shard)) {
      if (shardOf.get(name) === shard) found.set(name, tensor);
      else {
        const expected = shardOf.has(name) ? `in ${shardOf.get(name)}` : "nowhere";
        const message = `Expected it ${expected}, by ${indexPath}, but found it in this file.`;
        problems.push({ path: `${folder}/${shard}: ${name}`, message });
      }
    }
  }
  for (const [name, shard] of shardOf) {
    if (found.has(name)) continue;
    const message = `Expected ${shard} to hold it but found that it does not.`;
    problems.push({ path: `${indexPath}: ${name}`, message });
  }
  refuseProblems(problems);
  return found;
}

async function readShard(folder: string, shard: string) {
  const path = `${folder}/${shard}`;
  await requireFile(path);
  return (await readSafetensorsHeader(path)).tensors;
}

/** The shard of each weight. A shard is a file beside its index: a path elsewhere is no shard. */
async function readIndex(path: string): Promise<Map<string, string>> {
  const index = await readJson(path) as { weight_map?: Json } | null;
  const map = index?.weight_map ?? null;
  const entries = map === null || typeof map !== "object" || Array.isArray(map)
    ? []
    : Object.entries(map);
  const isShard = (shard: Json): shard is string =>
    typeof shard === "string" && /^[^/\\\0]+\.safetensors$/.test(shard);
  const shards = entries.filter((entry): entry is [string, string] => isShard(entry[1]));
  if (entries.length > 0 && shards.length === entries.length) return new Map(shards);
  const others = [...new Set(entries.map(([, shard]) => shard).filter((shard) => !isShard(shard)))];
  const message = `Expected weight_map to name *.safetensors files but found ${
    JSON.stringify(entries.length > 0 ? others : map)?.slice(0, 200)
  }.`;
  throw new InputError([{ path, message }]);
}
