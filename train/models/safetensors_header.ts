import { repeatedKeys } from "../../core/json_keys.ts";
import { InputError, type Problem, refuseProblems } from "../../core/problem.ts";
import { BLOCK_TYPES } from "./dequantise.ts";
import { readFully, storedBytes, type StoredTensor } from "./stored_tensor.ts";

/** Element types that weights are stored in, by the format's own names. */
const STORED = { F32: BLOCK_TYPES.F32, F16: BLOCK_TYPES.F16, BF16: BLOCK_TYPES.BF16 } as const;

/** As the format's own reader has it: a header that is larger is an attack, not a model. */
const MOST_HEADER_BYTES = 100_000_000;

/** What a safetensors file says before its elements. */
export interface SafetensorsHeader {
  /** In the header's order. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Its free text fields. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads the header of a safetensors file: 8 bytes of its length, then JSON. Every tensor's place is
 * checked against the file: the format allows neither overlap nor bytes that belong to no tensor.
 *
 * @throws InputError that names up to 20 tensors whose entries do not fit the file, and how many more there
 * are
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const { header, start, size } = await readJsonHeader(path);
  const check: Check = { path, start, size: size - start, problems: [] };
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__")
    .flatMap(([name, value]) => parseEntry(name, value, check));
  if (check.problems.length === 0) checkCover(entries, check);
  refuseProblems(check.problems);
  return {
    tensors: new Map(entries.map((entry) => [entry.name, entry])),
    metadata: parseMetadata(header.__metadata__),
  };
}

async function readJsonHeader(path: string) {
  const fail = (message: string) => new InputError([{ path, message }]);
  using file = await Deno.open(path, { read: true });
  // Not file.stat(), which behind a link asks for the permission to read what it leads to.
  const { size } = await Deno.stat(path);
  if (size < 8) throw fail(`Expected a safetensors file of at least 8 bytes but found ${size}.`);
  const prefix = new Uint8Array(8);
  await readFully(file, prefix, path);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  const most = Math.min(size - 8, MOST_HEADER_BYTES);
  if (length > BigInt(most)) {
    throw fail(`Expected a header of at most ${most} bytes but found ${length}.`);
  }
  const bytes = new Uint8Array(Number(length));
  await readFully(file, bytes, path);
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (error) {
    throw fail(`Expected a JSON header but found ${(error as Error).message}.`);
  }
  if (header === null || typeof header !== "object" || Array.isArray(header)) {
    throw fail("Expected the header to be a JSON object of tensors.");
  }
  const repeated = repeatedKeys(text).map((key): Problem => ({
    path: `${path}: ${key}`,
    message: "The key appears twice in the header.",
  }));
  refuseProblems(repeated);
  return { header: header as Record<string, unknown>, start: 8 + bytes.length, size };
}

interface Check {
  readonly path: string;
  /** Where the elements begin. */
  readonly start: number;
  /** Bytes of elements behind the header. */
  readonly size: number;
  readonly problems: Problem[];
}

function parseEntry(name: string, value: unknown, check: Check): StoredTensor[] {
  const report = (message: string) => {
    check.problems.push({ path: `${check.path}: ${name}`, message });
    return [];
  };
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return report(
      `Expected {dtype, shape, data_offsets} but found ${JSON.stringify(value).slice(0, 80)}.`,
    );
  }
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (typeof dtype !== "string" || !Object.hasOwn(STORED, dtype)) {
    const known = Object.keys(STORED).join(", ");
    return report(`Expected dtype to be one of ${known} but found ${JSON.stringify(dtype)}.`);
  }
  if (!isSizes(shape)) {
    return report(`Expected shape to be a list of sizes but found ${JSON.stringify(shape)}.`);
  }
  if (!isSizes(offsets) || offsets.length !== 2) {
    return report(`Expected data_offsets to be [begin, end] but found ${JSON.stringify(offsets)}.`);
  }
  const [begin, end] = offsets;
  if (begin > end || end > check.size) {
    return report(
      `Expected data_offsets within [0, ${check.size}] but found [${begin}, ${end}].`,
    );
  }
  const type = STORED[dtype as keyof typeof STORED];
  const expected = storedBytes({ type, dims: shape });
  if (end - begin !== expected) {
    return report(
      `Expected ${expected} bytes for ${dtype} [${shape.join(", ")}] but found ${end - begin}.`,
    );
  }
  return [{ path: check.path, name, dims: shape, type, begin: check.start + begin }];
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function checkCover(entries: readonly StoredTensor[], check: Check): void {
  let covered = 0;
  let before = "the start";
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin)) {
    const begin = entry.begin - check.start;
    if (begin !== covered) {
      const wrong = begin < covered ? "the two overlap" : "the bytes between belong to no tensor";
      check.problems.push({
        path: `${check.path}: ${entry.name}`,
        message:
          `Expected data_offsets to begin at ${covered}, after ${before}, but found ${begin}: ${wrong}.`,
      });
    }
    covered = Math.max(covered, begin + storedBytes(entry));
    before = entry.name;
  }
  if (check.problems.length === 0 && covered !== check.size) {
    const message = `Expected ${covered} bytes of elements but found ${check.size}.`;
    check.problems.push({ path: check.path, message });
  }
}

function parseMetadata(value: unknown): Record<string, string> {
  if (value === null || typeof value !== "object") return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] =>
      typeof entry[1] === "string"
    ),
  );
}
