import { join } from "node:path";

/** Files of a model that are wrong, and what is to be said of them. */
export interface MalformedModel {
  readonly name: string;
  /** What is spoilt: a file of the folder, or the GGUF file. */
  readonly file: "model.safetensors" | "config.json" | "tokenizer.json" | "model.gguf";
  readonly change: (content: Bytes) => Bytes;
  /** What the message must be, the folder's name cut off. */
  readonly expected: RegExp;
}

type Bytes = Uint8Array<ArrayBuffer>;
type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };
type Header = Record<string, Entry>;

/** Every way in which a model's files are tested to be wrong in a run. */
export const MALFORMED_MODELS: readonly MalformedModel[] = [
  weights("safetensors of no bytes", () => new Uint8Array(), /at least 8 bytes but found 0\.$/),
  weights(
    "safetensors cut in their elements",
    (content) => content.slice(0, -100),
    /^(\d+ problems:\n {2})?model\.safetensors.*: Expected data_offsets within \[0, \d+\] but found/,
  ),
  weights(
    "safetensors cut in their header",
    (content) => content.slice(0, 100),
    /^model\.safetensors: Expected a header of at most 92 bytes but found \d+\.$/,
  ),
  weights(
    "safetensors with a header of 2⁶⁰ bytes",
    (content) => {
      new DataView(content.buffer).setBigUint64(0, 1n << 60n, true);
      return content;
    },
    /^model\.safetensors: Expected a header of at most \d+ bytes but found 1152921504606846976\.$/,
  ),
  weights(
    "safetensors with a header that is no JSON",
    (content) => content.fill(0x7b, 8, 20),
    /^model\.safetensors: Expected a JSON header but found /,
  ),
  weights(
    "safetensors with bytes behind",
    (content) => Uint8Array.of(...content, 1, 2, 3),
    /^model\.safetensors: Expected \d+ bytes of elements but found \d+\.$/,
  ),
  entry(
    "a tensor outside the file",
    ({ data_offsets: [begin, end] }) => ({ data_offsets: [begin + 2 ** 40, end + 2 ** 40] }),
    /^model\.safetensors: model\.norm\.weight: Expected data_offsets within /m,
  ),
  entry(
    "a tensor over another",
    ({ data_offsets: [begin, end] }) => ({ data_offsets: [begin - 4, end - 4] }),
    /model\.norm\.weight: Expected data_offsets to begin at \d+, .*: the two overlap\.$/m,
  ),
  entry(
    "a tensor with offsets below zero",
    () => ({ data_offsets: [-64, 0] }),
    /model\.norm\.weight: Expected data_offsets to be \[begin, end\] but found \[-64,0\]\.$/m,
  ),
  entry(
    "a tensor of 2¹⁰⁴ numbers",
    () => ({ shape: [2 ** 52, 2 ** 52] }),
    /model\.norm\.weight: Expected 8\.11\d+e\+31 bytes for F32 .* but found 64\.$/m,
  ),
  entry(
    "a tensor of an unknown type",
    () => ({ dtype: "I64" }),
    /model\.norm\.weight: Expected dtype to be one of F32, F16, BF16 but found "I64"\.$/m,
  ),
  entry(
    "a tensor of another shape",
    () => ({ shape: [4, 4] }),
    /^folder: model\.norm\.weight: Expected shape \[16\] but found \[4, 4\]\.$/,
  ),
  header(
    "a weight under another name",
    (tensors) => {
      const { "model.norm.weight": norm, ...others } = tensors;
      return { ...others, "model.norm.wight": norm };
    },
    /folder: model\.norm\.weight: The weight is missing\.\n .*model\.norm\.wight: The weight is not/,
  ),
  {
    name: "a config that is no JSON",
    file: "config.json",
    change: () => text("{"),
    expected: /^config\.json: Expected JSON but found /,
  },
  {
    name: "a config of an unknown family",
    file: "config.json",
    change: (content) => text(read(content).replace('"qwen2"', '"qwen7"')),
    expected: /^config\.json: model_type: .*"qwen7"/,
  },
  {
    name: "a config of ten million layers",
    file: "config.json",
    change: (content) =>
      text(read(content).replace(/"num_hidden_layers": \d+/, '"num_hidden_layers": 10000000')),
    expected:
      /^config\.json: num_hidden_layers: Expected an integer from 1 to 1024 but found 10000000\.$/,
  },
  {
    name: "a tokenizer that is no JSON",
    file: "tokenizer.json",
    change: (content) => content.slice(0, 50),
    expected: /^tokenizer\.json: Expected JSON but found /,
  },
  {
    name: "a tokenizer that is no UTF-8",
    file: "tokenizer.json",
    change: (content) => content.fill(0xff, content.length - 100, content.length - 99),
    expected: /^tokenizer\.json: Expected UTF-8 text but found other bytes\.$/,
  },
  gguf("a GGUF file of no bytes", () => new Uint8Array(), /^model\.gguf: Expected /),
  gguf("a GGUF file of another kind", () => text("PK zip"), /begins with "GGUF", but found "PK z"/),
  gguf("a GGUF file cut in its metadata", (content) => content.slice(0, 300), /^model\.gguf: /),
  gguf(
    "a GGUF file cut in its elements",
    (content) => content.slice(0, -200),
    /^(\d+ problems:\n {2})?model\.gguf: \S+: Expected it to end within the file's \d+ bytes/,
  ),
  gguf(
    "a GGUF file of 2⁶⁰ entries",
    (content) => {
      new DataView(content.buffer).setBigUint64(16, 1n << 60n, true);
      return content;
    },
    /^model\.gguf: Expected no more entries than the file can hold but found 1152921504606846976\.$/,
  ),
];

function weights(
  name: string,
  change: MalformedModel["change"],
  expected: RegExp,
): MalformedModel {
  return { name, file: "model.safetensors", change, expected };
}

function gguf(name: string, change: MalformedModel["change"], expected: RegExp): MalformedModel {
  return { name, file: "model.gguf", change, expected };
}

/** The header changed, the elements kept. */
function header(
  name: string,
  change: (tensors: Header) => Header,
  expected: RegExp,
): MalformedModel {
  return weights(name, (content) => {
    const length = Number(new DataView(content.buffer).getBigUint64(0, true));
    const { __metadata__, ...tensors } = JSON.parse(read(content.subarray(8, 8 + length)));
    const json = text(JSON.stringify(change(tensors)));
    const size = new Uint8Array(BigUint64Array.of(BigInt(json.length)).buffer);
    return new Uint8Array([...size, ...json, ...content.subarray(8 + length)]);
  }, expected);
}

/** One entry of the header changed. */
function entry(
  name: string,
  change: (entry: Entry) => Partial<Entry>,
  expected: RegExp,
): MalformedModel {
  const of = "model.norm.weight";
  return header(
    name,
    (tensors) => ({ ...tensors, [of]: { ...tensors[of], ...change(tensors[of]) } }),
    expected,
  );
}

function text(content: string): Bytes {
  return new TextEncoder().encode(content);
}

function read(content: Bytes): string {
  return new TextDecoder().decode(content);
}

/**
 * Spoils one file of a small model.
 *
 * @param model the folder that `writeSmallModel` wrote
 * @returns the path of the model to name
 */
export async function writeMalformed(
  { file, change }: MalformedModel,
  model: string,
  folder: string,
): Promise<string> {
  const spoilt = async (from: string, to: string) =>
    await Deno.writeFile(to, change(await Deno.readFile(from)));
  await Deno.mkdir(folder, { recursive: true });
  if (file === "model.gguf") {
    await spoilt(join(model, file), join(folder, file));
    return join(folder, file);
  }
  const whole = join(model, "folder");
  const copy = join(folder, "folder");
  await Deno.mkdir(copy);
  for (const { name } of Deno.readDirSync(whole)) {
    if (name === file) await spoilt(join(whole, name), join(copy, name));
    else await Deno.copyFile(join(whole, name), join(copy, name));
  }
  return copy;
}
