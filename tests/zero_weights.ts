import type { Parameter } from "../train/models/parameters.ts";

/** A safetensors file of zeros in bfloat16: a header, and a hole as large as the elements. */
export async function writeZeros(path: string, parameters: readonly Parameter[]): Promise<void> {
  let end = 0;
  const entries = parameters.map(({ name, dims }) => {
    const begin = end;
    end += 2 * dims.reduce((product, dim) => product * dim, 1);
    return [name, { dtype: "BF16", shape: dims, data_offsets: [begin, end] }];
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const header = new Uint8Array(8 + json.length);
  new DataView(header.buffer).setBigUint64(0, BigInt(json.length), true);
  header.set(json, 8);
  await Deno.writeFile(path, header);
  await Deno.truncate(path, header.length + end);
}
