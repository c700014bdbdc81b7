import { type GgufHeader, readGgufHeader } from "../../core/gguf_file.ts";
import { elementCount } from "../../core/tensor.ts";
import { BLOCK_TYPES } from "./dequantise.ts";
import { isFile } from "../../core/is_file.ts";
import { readJson, writeJson } from "../../core/json_file.ts";

/** Where a model's files came from, as far as its own files cannot say. */
export interface BaseSource {
  /** Commit of its repository on the hub; null where it was read from a path. */
  readonly commit: string | null;
  /** The type that most weights had in the GGUF file they were read from; null where there was none. */
  readonly ggufType: string | null;
}

const FILE = "source.json";
const NOTHING: BaseSource = { commit: null, ggufType: null };

/** Keeps where a model came from beside its copy; of a folder at a path there is nothing to keep. */
export async function saveBaseSource(
  { from, commit }: { readonly from: string; readonly commit: string | null },
  folder: string,
): Promise<void> {
  const ggufType = await isFile(from) ? mainType(await readGgufHeader(from)) : null;
  if (commit !== null || ggufType !== null) {
    await writeJson(`${folder}/${FILE}`, { commit, ggufType });
  }
}

/** What `saveBaseSource` kept in a folder, or what a GGUF file says. */
export async function readBaseSource(path: string): Promise<BaseSource> {
  if (await isFile(path)) return { ...NOTHING, ggufType: mainType(await readGgufHeader(path)) };
  const file = `${path}/${FILE}`;
  if (!await isFile(file)) return NOTHING;
  const { commit, ggufType } = Object(await readJson(file));
  const text = (value: unknown) => typeof value === "string" ? value : null;
  return { commit: text(commit), ggufType: text(ggufType) };
}

/** The type that most numbers of a GGUF file are stored as; null where that is none that is read. */
function mainType({ tensors }: GgufHeader): string | null {
  const counts = Object.entries(BLOCK_TYPES).map(([name, { id }]) => ({
    name,
    count: tensors.filter(({ type }) => type === id)
      .reduce((sum, { dims }) => sum + elementCount(dims), 0),
  }));
  const most = counts.reduce((most, one) => one.count > most.count ? one : most);
  return most.count > 0 ? most.name : null;
}
