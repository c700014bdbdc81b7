import { elementCount, type Tensor } from "../../core/tensor.ts";
import { PlacedOnDevice } from "./placed_on_device.ts";
import { PlacedOnHost } from "./placed_on_host.ts";
import type { NamedTensors, PlacedTensor, PrepareRequest, RunRequest } from "./runtime.ts";

/** A tensor of a run, by the name of an input or output: in host memory or on a device. */
export type NamedTensor = NamedHostTensor | NamedDeviceTensor;

/** A tensor of a run in host memory. */
export interface NamedHostTensor {
  readonly name: string;
  readonly tensor: Tensor;
  /** Whose tensor it is, when it was placed. */
  readonly placed: PlacedOnHost | null;
}

/** A tensor of a run on a device. */
export interface NamedDeviceTensor {
  readonly name: string;
  readonly tensor: null;
  readonly placed: PlacedOnDevice;
}

/** A run whose names are known and whose tensors are where it may use them, apart and of full shapes. */
export interface ResolvedRun<T extends NamedTensor = NamedTensor> {
  readonly feeds: readonly T[];
  readonly into: readonly T[];
  /** Outputs to return in new tensors: none of `into`. */
  readonly fetches: readonly string[];
  /** What `into` returns: its host tensors as they were given. */
  readonly returned: Readonly<Record<string, Tensor>>;
}

interface Names {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * Checks a run against a session's names, and its tensors against each other.
 *
 * @throws RangeError for an unknown or missing name, for data that does not fill its shape, for
 *   tensors that share memory other than as `inPlace` says, and for released ones
 */
export function resolveRun(
  { inputs, outputs }: Names,
  feeds: NamedTensors,
  { into = {}, fetches, inPlace = [] }: RunRequest,
): ResolvedRun {
  requireNames("input", Object.keys(feeds), inputs);
  const missing = inputs.filter((name) => feeds[name] === undefined);
  if (missing.length > 0) {
    throw new RangeError(`Expected a feed for each input but found none for ${quoted(missing)}.`);
  }
  const wanted = (fetches ?? outputs).filter((name) => into[name] === undefined);
  requireNames("output", [...wanted, ...Object.keys(into), ...inPlace], outputs);
  const given = Object.entries(feeds).map(locate);
  const taken = Object.entries(into).map(locate);
  requireApart(given, taken, new Set(inPlace));
  return {
    feeds: given,
    into: taken,
    fetches: wanted,
    returned: Object.fromEntries(
      taken.flatMap(({ name, tensor, placed }) => placed === null ? [[name, tensor!]] : []),
    ),
  };
}

/**
 * The same for a prepared run.
 *
 * @throws RangeError as `resolveRun`, and for a fetch that `into` has no tensor for
 */
export function resolvePreparedRun(
  names: Names,
  feeds: NamedTensors,
  request: PrepareRequest,
): ResolvedRun {
  const run = resolveRun(names, feeds, { ...request, fetches: request.fetches ?? [] });
  if (run.fetches.length === 0) return run;
  throw new RangeError(
    `Expected a tensor to write into for each output but found none for ${quoted(run.fetches)}.`,
  );
}

/** @throws RangeError when a placed tensor has been released since the run was prepared */
export function requirePlaced({ feeds, into }: ResolvedRun): void {
  const require = ({ name, placed }: NamedTensor) => placed !== null && locate([name, placed]);
  feeds.forEach(require);
  into.forEach(require);
}

/**
 * The same run, for a runtime that computes in host memory alone.
 *
 * @throws TypeError when a tensor lies on a device
 */
export function requireOnHost(run: ResolvedRun): ResolvedRun<NamedHostTensor> {
  for (const { name, tensor } of [...run.feeds, ...run.into]) {
    if (tensor !== null) continue;
    throw new TypeError(`"${name}": expected a tensor that a runtime on the CPU placed.`);
  }
  return run as ResolvedRun<NamedHostTensor>;
}

function locate([name, given]: [string, Tensor | PlacedTensor]): NamedTensor {
  if ("data" in given) return requireFull({ name, tensor: given, placed: null });
  const placed: PlacedTensor = given;
  if (placed instanceof PlacedOnHost && placed.tensor !== undefined) {
    return requireFull({ name, tensor: placed.tensor, placed });
  }
  if (placed instanceof PlacedOnDevice && placed.memory !== undefined) {
    return { name, tensor: null, placed };
  }
  throw new RangeError(`"${name}": the tensor has been released.`);
}

function requireFull(named: NamedHostTensor): NamedHostTensor {
  const { name, tensor: { dims, data } } = named;
  const size = elementCount(dims);
  if (data.length === size) return named;
  throw new RangeError(
    `"${name}": expected ${size} elements for shape [${dims.join(", ")}] but found ${data.length}.`,
  );
}

function requireNames(kind: string, names: readonly string[], known: readonly string[]): void {
  const every = new Set(known);
  const unknown = names.filter((name) => !every.has(name));
  if (unknown.length > 0) {
    throw new RangeError(`Expected ${kind}s among ${quoted(known)} but found ${quoted(unknown)}.`);
  }
}

interface Range {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly written: boolean;
}

/** What a tensor lies in, and from which of its bytes to which. */
function placeOf(
  { tensor, placed }: NamedTensor,
): { readonly memory: object; readonly start: number; readonly end: number } {
  if (tensor === null) {
    const { memory, offset, byteLength } = placed;
    return { memory: memory!, start: offset, end: offset + byteLength };
  }
  const { buffer, byteOffset, byteLength } = tensor.data;
  return { memory: buffer, start: byteOffset, end: byteOffset + byteLength };
}

/** Two outputs, or an output and a feed, in the same bytes would overwrite each other midway. */
function requireApart(
  feeds: readonly NamedTensor[],
  into: readonly NamedTensor[],
  inPlace: ReadonlySet<string>,
): void {
  const memories = new Map<object, Range[]>();
  const add = (named: NamedTensor, written: boolean) => {
    const { memory, start, end } = placeOf(named);
    if (start === end) return;
    const range = { name: named.name, start, end, written };
    const ranges = memories.get(memory);
    if (ranges === undefined) memories.set(memory, [range]);
    else ranges.push(range);
  };
  for (const feed of feeds) add(feed, false);
  const tensors = new Map(into.map((named) => [named.name, named]));
  for (const name of inPlace) {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      throw new RangeError(`Expected output "${name}", in place, to have a tensor in into.`);
    }
    overwriteFeed(tensor, memories.get(placeOf(tensor).memory) ?? []);
  }
  for (const output of into) if (!inPlace.has(output.name)) add(output, true);
  for (const ranges of memories.values()) if (ranges.length > 1) requireRangesApart(ranges);
}

/** Makes an input's range one that is written: its name stays, so that nothing else may touch it. */
function overwriteFeed(output: NamedTensor, ranges: Range[]): void {
  const { start, end } = placeOf(output);
  if (start === end) return;
  const { name } = output;
  const at = ranges.findIndex((range) =>
    !range.written && range.start === start && range.end === end
  );
  if (at === -1) {
    throw new RangeError(`Expected output "${name}", in place, in just the tensor of an input.`);
  }
  ranges[at] = { ...ranges[at], name, written: true };
}

function requireRangesApart(ranges: Range[]): void {
  ranges.sort((a, b) => a.start - b.start);
  let [last, lastWritten]: (Range | undefined)[] = [];
  for (const range of ranges) {
    const other = range.written ? last : lastWritten;
    if (other !== undefined && other.end > range.start) {
      const [output, tensor] = range.written ? [range, other] : [other, range];
      throw new RangeError(
        `Expected output "${output.name}" in a tensor of its own, not that of "${tensor.name}".`,
      );
    }
    if (last === undefined || range.end > last.end) last = range;
    if (range.written && (lastWritten === undefined || range.end > lastWritten.end)) {
      lastWritten = range;
    }
  }
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
