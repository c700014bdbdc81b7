import { canonicalJson } from "../../core/json.ts";
import { StreamingDigest } from "../../core/digest.ts";
import type { Tensor } from "../../core/tensor.ts";
import { readSafetensorsHeader } from "./safetensors_header.ts";
import { readStoredTensor } from "./stored_tensor.ts";

/** What a safetensors file holds: tensors by name, and its free text fields. */
export interface SafetensorsContent {
  readonly tensors: Map<string, Tensor<"float32">>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a safetensors file, tensor by tensor; F16 and BF16 are widened to float32 (exactly).
 *
 * @throws InputError that names every tensor whose entry does not fit the file
 */
export async function readSafetensors(path: string): Promise<SafetensorsContent> {
  const { tensors: stored, metadata } = await readSafetensorsHeader(path);
  const tensors = new Map<string, Tensor<"float32">>();
  for (const [name, tensor] of stored) tensors.set(name, await readStoredTensor(tensor));
  return { tensors, metadata };
}

/** What `writeSafetensors` wrote. */
export interface WrittenFile {
  readonly sha256: string;
  readonly size: number;
}

/**
 * Writes float32 tensors as a safetensors file, in code-unit order of their names: equal tensors give
 * equal bytes. The file is synced, not renamed: the caller gives a temporary name where that matters.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor<"float32">>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<WrittenFile> {
  const names = [...tensors.keys()].sort();
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const digest = new StreamingDigest();
  let size = 0;
  const write = async (bytes: Uint8Array) => {
    digest.update(bytes);
    size += bytes.length;
    for (let written = 0; written < bytes.length;) {
      written += await file.write(bytes.subarray(written));
    }
  };
  await write(encodeHeader(names, tensors, metadata));
  for (const name of names) {
    const { data } = tensors.get(name)!;
    await write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  await file.sync();
  return { sha256: digest.hex(), size };
}

function encodeHeader(
  names: readonly string[],
  tensors: ReadonlyMap<string, Tensor<"float32">>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: string[] = [];
  // transformers refuses a file whose metadata does not name the framework that laid it out.
  entries.push(`"__metadata__":${canonicalJson({ format: "pt", ...metadata })}`);
  let offset = 0;
  for (const name of names) {
    const { dims, data } = tensors.get(name)!;
    const entry = { data_offsets: [offset, offset + data.byteLength], dtype: "F32", shape: dims };
    entries.push(`${JSON.stringify(name)}:${canonicalJson(entry)}`);
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}
