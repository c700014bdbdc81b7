import { ELEMENT_BYTES, elementCount, float32, type Tensor } from "../../core/tensor.ts";
import type { TrainingState } from "../checkpoint.ts";
import { normsByPiece } from "../gradient_norms.ts";
import { zerosLike } from "../models/weights.ts";
import type { TrainedBlocks } from "../optimiser_step.ts";
import { isOnHost, type PlacedState } from "../placed_state.ts";
import { inPrecision, type MomentPrecision, widened } from "../precision.ts";
import type { PlacedTensor, Runtime } from "../runtime/open_runtime.ts";
import { zerosOnHost } from "../runtime/placed_on_host.ts";
import {
  AHEAD,
  type Bucket,
  divideIntoBuckets,
  ownSegments,
  ROOMS,
  type Segment,
} from "./buckets.ts";
import type { Parts, Ranks, Transfer } from "./ranks.ts";

/** What all ranks have in full. */
export interface SharedTensors {
  readonly weights: PlacedState;
  /** What this rank has gathered; after `addUp` the sum of all, where this rank updates. */
  readonly gradients: PlacedState;
}

type Placed = PlacedTensor<"float32">;

/** A bucket where its elements lie. */
interface PlacedBucket extends Bucket {
  readonly index: number;
  /** Pieces of tensors, in the order of the bucket's segments. */
  readonly weights: readonly Placed[];
  readonly gradients: readonly Placed[];
  /** Those that this rank updates, with their names, and their moments side by side. */
  readonly own: readonly OwnPiece[];
  readonly firstMoments: PlacedTensor<MomentPrecision>;
  readonly secondMoments: PlacedTensor<MomentPrecision>;
}

interface OwnPiece {
  readonly segment: Segment;
  readonly weight: Placed;
  readonly gradient: Placed;
}

/** What a bucket is sent from and received in, where that is not the tensors' own memory. */
type Room = "sent" | "received";

const MOMENTS = ["firstMoments", "secondMoments"] as const;

/**
 * Gradients, updates and moments shared out among ranks (ZeRO's first stage: Rajbhandari et al., 2020,
 * arXiv 1910.02054v3, section 5.1). Each rank receives the gradients of the elements that it owns from all
 * others, adds them up from the first rank on in float64, updates those elements alone, with moments that
 * nobody else has, and sends them to all. What that takes of the network is what an allreduce takes.
 *
 * Which rank owns an element, and in which order is added, hangs on the shapes and the number of ranks
 * alone, so that equal runs give equal bytes.
 */
export class Shards {
  readonly #ranks: Ranks;
  readonly #tensors: SharedTensors;
  /** Of moments. */
  readonly #precision: MomentPrecision;
  readonly #offloadsMoments: boolean;
  readonly #buckets: readonly PlacedBucket[];
  readonly #onHost: boolean;
  /** Of each kind one for every bucket that is worked on or on its way, kept from step to step. */
  readonly #rooms = new Map<string, Floats>();
  #spreading: { readonly bucket: PlacedBucket; transfer: Transfer; data: Floats }[] = [];

  /**
   * @param most elements of a bucket at most
   * @param precision what moments are kept in; float32 unless given
   * @param offloadsMoments whether they are in host memory, although runs are not; not unless given
   * @param stack is told of what is to be given back
   */
  constructor(
    runtime: Runtime,
    tensors: SharedTensors,
    { ranks, most, precision = "float32", offloadsMoments = false, stack }: {
      readonly ranks: Ranks;
      readonly most?: number;
      readonly precision?: MomentPrecision;
      readonly offloadsMoments?: boolean;
      readonly stack: AsyncDisposableStack;
    },
  ) {
    this.#ranks = ranks;
    this.#tensors = tensors;
    this.#precision = precision;
    this.#offloadsMoments = offloadsMoments;
    this.#onHost = isOnHost(runtime);
    const sizes = [...tensors.weights.tensors].map(([name, { dims }]) =>
      [name, elementCount(dims)] as const
    );
    const buckets = divideIntoBuckets(sizes, { ranks: ranks.size, most });
    this.#buckets = buckets.map((bucket, index) => {
      const piece = (state: PlacedState) => ({ name, start, count }: Segment) =>
        stack.use(state.tensors.get(name)!.piece(start, count));
      const own = [bucket.parts.counts[ranks.rank]];
      const zeros = () =>
        stack.use(
          offloadsMoments
            ? zerosOnHost<MomentPrecision>(precision, own)
            : runtime.zeros<MomentPrecision>(precision, own),
        );
      return {
        ...bucket,
        index,
        weights: bucket.segments.map(piece(tensors.weights)),
        gradients: bucket.segments.map(piece(tensors.gradients)),
        own: ownSegments(bucket, ranks.rank).map((segment) => ({
          segment,
          weight: piece(tensors.weights)(segment),
          gradient: piece(tensors.gradients)(segment),
        })),
        firstMoments: zeros(),
        secondMoments: zeros(),
      };
    });
  }

  /** What this rank updates; the groups are the buckets. */
  blocks(runtime: Runtime, stack: AsyncDisposableStack): TrainedBlocks {
    const { starts } = this.#tensors.weights;
    const groups = this.#buckets.map(({ own, ...moments }) => {
      let at = 0;
      return own.map(({ segment: { name, start, count }, weight, gradient }) => {
        const position = starts.get(name)! + start;
        const [firstMoment, secondMoment] = MOMENTS.map((kind) =>
          stack.use(moments[kind].piece(at, count))
        );
        at += count;
        return { size: count, position, value: weight, gradient, firstMoment, secondMoment };
      });
    });
    const blocks = this.#buckets.flatMap(({ own }) =>
      own.map(({ segment: { name, count }, gradient }) => ({
        name,
        size: count,
        elements: gradient,
      }))
    );
    return {
      groups,
      offloadsMoments: this.#offloadsMoments,
      openNorms: (options) => normsByPiece(runtime, { blocks }, options),
    };
  }

  /** Bytes of moments that this rank holds. */
  get momentBytes(): number {
    const { rank } = this.#ranks;
    const bytes = 2 * ELEMENT_BYTES[this.#precision];
    return this.#buckets.reduce((sum, { parts }) => sum + bytes * parts.counts[rank], 0);
  }

  /**
   * Adds up what the ranks have gathered, each what it owns; elsewhere gradients become zeros. The next
   * buckets are on their way while one is added up.
   */
  async addUp(): Promise<void> {
    const { rank, size } = this.#ranks;
    const underWay: { bucket: PlacedBucket; transfer: Transfer; received: Floats }[] = [];
    const add = async () => {
      const { bucket, transfer, received } = underWay.shift()!;
      await transfer.finish();
      const sum = addParts(received, size);
      for (const gradient of bucket.gradients) gradient.clear();
      writeSideBySide(bucket.own.map(({ gradient }) => gradient), sum);
    };
    for (const bucket of this.#buckets) {
      const count = bucket.parts.counts[rank];
      const received = this.#room("received", bucket, count * size);
      const from = await this.#sideBySide(bucket);
      const transfer = this.#ranks.exchange(from, bucket.parts, received, evenParts(count, size));
      underWay.push({ bucket, transfer, received });
      if (underWay.length > AHEAD) await add();
    }
    while (underWay.length > 0) await add();
  }

  /** Begins to send what this rank has updated of a bucket, and to receive what others have. */
  async spread(index: number): Promise<void> {
    const bucket = this.#buckets[index];
    const { parts, own, size } = bucket;
    let data: Floats;
    if (this.#onHost && bucket.weights.length === 1) data = (await bucket.weights[0].read()).data;
    else {
      data = this.#room("received", bucket, size);
      const start = parts.starts[this.#ranks.rank];
      await readSideBySide(own.map(({ weight }) => weight), data.subarray(start));
    }
    const transfer = this.#ranks.spread(data, parts);
    this.#spreading.push({ bucket, transfer, data });
    if (this.#spreading.length > AHEAD) await this.#finishSpreading();
  }

  /** Waits until every weight is here as its owner updated it. */
  async spreadAll(): Promise<void> {
    while (this.#spreading.length > 0) await this.#finishSpreading();
  }

  /**
   * The moments of all ranks, for the first one; null for the others.
   *
   * @param all none are sent unless it is true
   */
  async gatherMoments(all: boolean): Promise<Pick<TrainingState, typeof MOMENTS[number]> | null> {
    const { rank, size } = this.#ranks;
    const leads = rank === 0;
    const gathered = { firstMoments: new Map(), secondMoments: new Map() };
    if (!all) return leads ? gathered : null;
    for (const kind of MOMENTS) {
      const moments = leads ? zerosLike(this.#tensors.weights.tensors, "float32") : new Map();
      for (const { segments, parts, [kind]: own, ...bucket } of this.#buckets) {
        const whole = new Float32Array(leads ? bucket.size : 0);
        const { data } = widened(await own.read());
        const none = evenParts(0, size);
        await this.#ranks
          .exchange(data, onlyFirst(data.length, size), whole, leads ? parts : none).finish();
        if (leads) writeSideBySide(segments.map((segment) => pieceOf(moments, segment)), whole);
      }
      gathered[kind] = moments;
    }
    return leads ? gathered : null;
  }

  /** Gives every rank the first one's weights, and its part of the first one's moments, which are let go. */
  async share({ firstMoments, secondMoments }: TrainingState): Promise<void> {
    const { rank, size } = this.#ranks;
    for (const tensor of this.#tensors.weights.tensors.values()) {
      const { data } = await tensor.read();
      await this.#ranks.broadcast(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      if (!this.#onHost) tensor.write(data);
    }
    const moments = { firstMoments, secondMoments };
    for (const kind of MOMENTS) {
      for (const { segments, parts, [kind]: own, ...bucket } of this.#buckets) {
        const whole = new Float32Array(rank === 0 ? bucket.size : 0);
        if (rank === 0) {
          const all = moments[kind];
          await readSideBySide(segments.map((segment) => pieceOf(all, segment)), whole);
        }
        const received = new Float32Array(parts.counts[rank]);
        await this.#ranks.exchange(
          whole,
          rank === 0 ? parts : evenParts(0, size),
          received,
          onlyFirst(received.length, size),
        ).finish();
        own.write(inPrecision(float32([received.length], received), this.#precision).data);
      }
      moments[kind].clear();
    }
  }

  #room(kind: Room, { index }: PlacedBucket, size: number): Floats {
    const key = `${kind} ${index % ROOMS}`;
    let room = this.#rooms.get(key);
    if (room === undefined || room.length < size) {
      room = new Float32Array(size);
      this.#rooms.set(key, room);
    }
    return room.subarray(0, size);
  }

  async #finishSpreading(): Promise<void> {
    const { bucket, transfer, data } = this.#spreading.shift()!;
    await transfer.finish();
    if (this.#onHost && bucket.weights.length === 1) return; // it is the weight's own array
    writeSideBySide(bucket.weights, data);
  }

  /** A bucket's gradients: of one tensor on the CPU the live array. */
  async #sideBySide(bucket: PlacedBucket): Promise<Floats> {
    const { gradients, size } = bucket;
    if (gradients.length === 1) return (await gradients[0].read()).data;
    const values = this.#room("sent", bucket, size);
    await readSideBySide(gradients, values);
    return values;
  }
}

type Floats = Float32Array;

/** Σ of as many parts as there are ranks, in their order, each sum rounded once; it takes the first one's place. */
function addParts(received: Floats, ranks: number): Floats {
  const count = received.length / ranks;
  for (let i = 0; i < count; i++) {
    let total = 0;
    for (let at = i; at < received.length; at += count) total += received[at];
    received[i] = total;
  }
  return received.subarray(0, count);
}

/** Parts of one size. */
function evenParts(count: number, ranks: number): Parts {
  return {
    counts: new Int32Array(ranks).fill(count),
    starts: Int32Array.from({ length: ranks }, (_, rank) => rank * count),
  };
}

/** All is the first rank's. */
function onlyFirst(count: number, ranks: number): Parts {
  const { counts, starts } = evenParts(0, ranks);
  counts[0] = count;
  return { counts, starts };
}

/** Elements where sessions compute, or a part of an array. */
type Piece = Placed | { readonly data: Floats };

async function readSideBySide(pieces: readonly Piece[], into: Floats): Promise<void> {
  let at = 0;
  for (const piece of pieces) {
    const { data } = "data" in piece ? piece : await piece.read();
    into.set(data, at);
    at += data.length;
  }
}

function writeSideBySide(pieces: readonly Piece[], values: Floats): void {
  let at = 0;
  for (const piece of pieces) {
    const count = "data" in piece ? piece.data.length : piece.dims[0];
    const part = values.subarray(at, at + count);
    if ("data" in piece) piece.data.set(part);
    else piece.write(part);
    at += count;
  }
}

function pieceOf(
  tensors: ReadonlyMap<string, Tensor<MomentPrecision>>,
  { name, start, count }: Segment,
): { readonly data: Floats } {
  const { dtype, data } = tensors.get(name)!;
  const piece = data.subarray(start, start + count);
  return widened({ dtype, dims: [count], data: piece } as Tensor<MomentPrecision>);
}
