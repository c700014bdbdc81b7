import { elementCount, type Tensor } from "../../core/tensor.ts";
import { hostTensor, PlacedOnHost } from "./placed_tensor.ts";
import type { NamedTensors, PrepareRequest, RunRequest } from "./runtime.ts";

/** A tensor of a run, by the name of an input or output. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
  /** Whose tensor it is, when it was placed. */
  readonly placed: PlacedOnHost | null;
}

/** A run whose names are known and whose tensors are in host memory, apart and of full shapes. */
export interface ResolvedRun {
  readonly feeds: readonly NamedTensor[];
  readonly into: readonly NamedTensor[];
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
  const given = Object.entries(feeds).map(resolve);
  const taken = Object.entries(into).map(resolve);
  requireApart(given, taken, new Set(inPlace));
  return {
    feeds: given,
    into: taken,
    fetches: wanted,
    returned: Object.fromEntries(
      taken.flatMap(({ name, tensor, placed }) => placed === null ? [[name, tensor]] : []),
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
  const require = ({ name, placed }: NamedTensor) => placed !== null && hostTensor(name, placed);
  feeds.forEach(require);
  into.forEach(require);
}

function resolve([name, given]: [string, NamedTensors[string]]): NamedTensor {
  const tensor = hostTensor(name, given);
  const size = elementCount(tensor.dims);
  if (tensor.data.length === size) {
    return { name, tensor, placed: given instanceof PlacedOnHost ? given : null };
  }
  throw new RangeError(
    `"${name}": expected ${size} elements for shape [${
      tensor.dims.join(", ")
    }] but found ${tensor.data.length}.`,
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

/** Two outputs, or an output and a feed, in the same bytes would overwrite each other midway. */
function requireApart(
  feeds: readonly NamedTensor[],
  into: readonly NamedTensor[],
  inPlace: ReadonlySet<string>,
): void {
  const buffers = new Map<ArrayBufferLike, Range[]>();
  const add = ({ name, tensor: { data } }: NamedTensor, written: boolean) => {
    if (data.byteLength === 0) return;
    const range = { name, start: data.byteOffset, end: data.byteOffset + data.byteLength, written };
    const ranges = buffers.get(data.buffer);
    if (ranges === undefined) buffers.set(data.buffer, [range]);
    else ranges.push(range);
  };
  for (const feed of feeds) add(feed, false);
  const tensors = new Map(into.map(({ name, tensor }) => [name, tensor]));
  for (const name of inPlace) {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      throw new RangeError(`Expected output "${name}", in place, to have a tensor in into.`);
    }
    overwriteFeed(name, tensor, buffers.get(tensor.data.buffer) ?? []);
  }
  for (const output of into) if (!inPlace.has(output.name)) add(output, true);
  for (const ranges of buffers.values()) if (ranges.length > 1) requireRangesApart(ranges);
}

/** Makes an input's range one that is written: its name stays, so that nothing else may touch it. */
function overwriteFeed(name: string, { data }: Tensor, ranges: Range[]): void {
  if (data.byteLength === 0) return;
  const at = ranges.findIndex(({ start, end, written }) =>
    !written && start === data.byteOffset && end === start + data.byteLength
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

/** @throws RangeError when the number of threads is not a positive integer */
export function requireThreads(threads: number): void {
  if (Number.isInteger(threads) && threads >= 1) return;
  throw new RangeError(`Expected threads to be an integer greater than 0 but found ${threads}.`);
}
