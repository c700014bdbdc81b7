import { elementCount, float32, type Tensor } from "../../core/tensor.ts";
import type { BlockType } from "./dequantise.ts";

/** A tensor in a file: where it lies and how to read it. */
export interface StoredTensor {
  /** The file. */
  readonly path: string;
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: BlockType;
  /** Where its elements begin in the file. */
  readonly begin: number;
}

/** Most bytes of a file that are held beside the numbers made of them. */
const CHUNK = 1 << 22;

/** Bytes that a tensor takes in its file; its rows hold whole blocks. */
export function storedBytes({ dims, type }: Pick<StoredTensor, "dims" | "type">): number {
  return elementCount(dims) / type.values * type.bytes;
}

/**
 * Reads a tensor into an array, a few megabytes at a time: beside its numbers, the memory that this
 * takes does not grow with it.
 *
 * @param data as many numbers as the tensor has, to be written over; an array of its own unless given
 * @throws UnexpectedEof when the file is shorter than the tensor's place in it
 */
export async function readStoredTensor(
  tensor: StoredTensor,
  data = new Float32Array(elementCount(tensor.dims)),
): Promise<Tensor<"float32">> {
  const { path, dims, type, begin } = tensor;
  using file = await Deno.open(path, { read: true });
  await file.seek(begin, Deno.SeekMode.Start);
  const total = storedBytes(tensor);
  const step = Math.floor(CHUNK / type.bytes) * type.bytes;
  const chunk = new Uint8Array(Math.min(step, total));
  for (let done = 0; done < total; done += chunk.length) {
    const bytes = chunk.subarray(0, total - done);
    await readFully(file, bytes, path);
    type.decode(bytes, data, done / type.bytes * type.values);
  }
  return float32(dims, data);
}

/** Fills an array from where a file stands. */
export async function readFully(file: Deno.FsFile, into: Uint8Array, path: string): Promise<void> {
  for (let filled = 0; filled < into.length;) {
    const count = await file.read(into.subarray(filled));
    if (count === null) {
      throw new Deno.errors.UnexpectedEof(`${path} ended ${into.length - filled} bytes too early.`);
    }
    filled += count;
  }
}
