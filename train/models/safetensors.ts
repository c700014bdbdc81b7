import { canonicalJson } from "../../core/json.ts";
import { StreamingDigest } from "../../core/digest.ts";
import { elementCount, type Tensor } from "../../core/tensor.ts";
import { writeAll } from "../../core/write_atomically.ts";
import { readSafetensorsHeader } from "./safetensors_header.ts";
import { STORAGE, type StorageDtype } from "./storage_dtype.ts";
import { readStoredTensor } from "./stored_tensor.ts";

/** What a safetensors file holds: tensors by name, and its free text fields. */
export interface SafetensorsContent {
  readonly tensors: Map<string, Tensor<"float32">>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a safetensors file, tensor by tensor; F16 and BF16 are widened to float32 (exactly).
 *
 * @throws InputError as `readSafetensorsHeader`
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

/** How tensors are written. */
export interface WriteOptions {
  /** The type of their elements; float32 unless told. */
  readonly dtype?: StorageDtype;
  /** Free text fields of the header. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A tensor that is made when its turn comes to be written. */
export interface TensorSource {
  readonly dims: readonly number[];
  /** It is not read again once another source has been asked, so sources may share an array. */
  make(): Promise<Tensor<"float32">>;
}

/**
 * Writes tensors as a safetensors file, in code-unit order of their names: equal tensors give equal
 * bytes. Beside them it holds one encoded tensor; of sources, one tensor at a time. The file is
 * synced, not renamed: the caller gives a temporary name where that matters.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor<"float32"> | TensorSource>,
  { dtype = "float32", metadata = {} }: WriteOptions = {},
): Promise<WrittenFile> {
  const names = [...tensors.keys()].sort();
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const digest = new StreamingDigest();
  let size = 0;
  const write = async (bytes: Uint8Array) => {
    digest.update(bytes);
    size += bytes.length;
    await writeAll(file, bytes);
  };
  const places = names.map((name) => ({ name, dims: tensors.get(name)!.dims }));
  await write(encodeHeader(places, { dtype, metadata }));
  for (const name of names) {
    const tensor = tensors.get(name)!;
    await write(STORAGE[dtype].encode(("make" in tensor ? await tensor.make() : tensor).data));
  }
  await file.sync();
  return { sha256: digest.hex(), size };
}

function encodeHeader(
  tensors: readonly { readonly name: string; readonly dims: readonly number[] }[],
  { dtype, metadata }: Required<WriteOptions>,
): Uint8Array {
  const entries: string[] = [];
  // transformers refuses a file whose metadata does not name the framework that laid it out.
  entries.push(`"__metadata__":${canonicalJson({ format: "pt", ...metadata })}`);
  const { name: type, size } = STORAGE[dtype];
  let offset = 0;
  for (const { name, dims } of tensors) {
    const end = offset + elementCount(dims) * size;
    const entry = { data_offsets: [offset, end], dtype: type, shape: dims };
    entries.push(`${JSON.stringify(name)}:${canonicalJson(entry)}`);
    offset = end;
  }
  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}
