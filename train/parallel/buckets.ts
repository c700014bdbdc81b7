import type { Parts } from "./ranks.ts";

/** Elements of a tensor that lie side by side. */
export interface Segment {
  /** The tensor's name. */
  readonly name: string;
  readonly start: number;
  readonly count: number;
}

/**
 * Elements that are sent together: of one large tensor or of several small ones. Each rank owns a part of
 * every bucket: it adds up the gradients of that part and has its moments.
 */
export interface Bucket {
  readonly size: number;
  readonly segments: readonly Segment[];
  /** Which elements of the bucket each rank owns. */
  readonly parts: Parts;
}

/**
 * Elements of a bucket at most, 16 MiB: large enough for starting a transfer to cost nothing beside it,
 * small enough for several to be under way, and for what is received to need little room.
 */
export const BUCKET_SIZE = 1 << 22;

/** Buckets that are on their way while one is worked on. */
export const AHEAD = 2;

/** Room for buckets that are sent, and as much for those that are received. */
export const ROOMS = AHEAD + 1;

/** Parts begin at multiples of so many elements, the bytes of a cache line. */
const ALIGNMENT = 16;

/**
 * Divides tensors into buckets, in their order.
 *
 * @param most elements of a bucket at most
 */
export function divideIntoBuckets(
  tensors: Iterable<readonly [name: string, size: number]>,
  { ranks, most = BUCKET_SIZE }: { readonly ranks: number; readonly most?: number },
): Bucket[] {
  const buckets: Segment[][] = [];
  let open: Segment[] = [];
  let taken = 0;
  for (const [name, size] of tensors) {
    if (size > most / 2) {
      for (let start = 0; start < size; start += most) {
        buckets.push([{ name, start, count: Math.min(most, size - start) }]);
      }
      continue;
    }
    if (taken + size > most) {
      buckets.push(open);
      [open, taken] = [[], 0];
    }
    open.push({ name, start: 0, count: size });
    taken += size;
  }
  if (open.length > 0) buckets.push(open);
  return buckets.map((segments) => {
    const size = segments.reduce((sum, { count }) => sum + count, 0);
    return { size, segments, parts: partsOf(size, ranks) };
  });
}

/** Even parts of some elements, rank by rank. */
export function partsOf(size: number, ranks: number): Parts {
  const each = Math.ceil(size / ranks / ALIGNMENT) * ALIGNMENT;
  const starts = Int32Array.from({ length: ranks }, (_, rank) => Math.min(size, rank * each));
  const counts = starts.map((start, rank) => (starts[rank + 1] ?? size) - start);
  return { counts, starts };
}

/** The elements of a bucket that a rank owns, as segments of tensors. */
export function ownSegments({ segments, parts }: Bucket, rank: number): Segment[] {
  const from = parts.starts[rank];
  const to = from + parts.counts[rank];
  let at = 0;
  return segments.flatMap(({ name, start, count }) => {
    const begin = Math.max(from, at);
    const end = Math.min(to, at + count);
    at += count;
    if (begin >= end) return [];
    return [{ name, start: start + begin - (at - count), count: end - begin }];
  });
}
