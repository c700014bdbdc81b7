import { int64, type Tensor } from "../../core/tensor.ts";
import { openGraph } from "../graph/open_graph.ts";
import { inPrecision, type Precision } from "../precision.ts";
import type { NamedTensors, PlacedTensor, Runtime, Session } from "../runtime/open_runtime.ts";
import { decoderGraph, plainDecoderGraph } from "./decoder_graph.ts";
import { KeyValueCache, type RowCache } from "./key_value_cache.ts";
import type { Model } from "./model.ts";
import { padHeads } from "./padded_heads.ts";
import { PlacedCache } from "./placed_cache.ts";
import { RotaryAngles } from "./rotary_angles.ts";

/** What tells a run where its tokens belong: fed from arrays that `set` fills. */
export interface Places {
  readonly feeds: NamedTensors;
  /** @param before how many tokens each row has before the new ones */
  set(before: readonly number[]): void;
}

/** A run's rows, new tokens of each, and positions that each has room for. */
interface RunSize {
  readonly rows: number;
  readonly tokens: number;
  readonly positions: number;
}

/** How tokens are decoded: a graph, what it is fed, and a cache that suits it. */
export interface DecodingWay {
  readonly session: Session;
  readonly cache: RowCache;
  /** Weights that every run is fed. */
  readonly fed: NamedTensors;
  /** All weights that lie where it computes. */
  readonly weights: ReadonlyMap<string, PlacedTensor>;
  /** Scores of attention, H · T · U for each row, that one run may make at once. */
  readonly mostScores: number;
  placesOf(size: RunSize): Places;
}

/** Scores of attention that a run of plain ops may make at once, 256 MiB in float32; they are held three times. */
export const MOST_SCORES = 1 << 26;

/**
 * By ONNX Runtime's attention over a cache. The runtime holds the model's matrices a second time, laid out
 * for products: with them as they are, a product of few rows would lay them out anew at each token, which
 * costs more than computing with it, and by another rule for each number of rows.
 *
 * @param stack is told of what is to be given back
 */
export async function openFusedWay(
  runtime: Runtime,
  model: Model,
  stack: AsyncDisposableStack,
): Promise<DecodingWay> {
  const { config, weights, scale, angles } = padHeads(model);
  const isMatrix = ({ dims }: Tensor) => dims.length === 2;
  const matrices = new Map([...weights].filter(([, tensor]) => isMatrix(tensor)));
  const session = stack.adopt(
    await openGraph(runtime, decoderGraph(config, scale), matrices),
    (session) => session.release(),
  );
  const vectors: Record<string, PlacedTensor> = {};
  for (const [name, tensor] of weights) {
    if (!isMatrix(tensor)) vectors[name] = stack.use(runtime.place(tensor));
  }
  const cache = stack.adopt(new KeyValueCache(config), (cache) => cache.release());
  const placesOf = ({ rows, tokens, positions }: RunSize): Places => {
    const [last, longest] = [new Int32Array(rows), new Int32Array(1)];
    const { cos, sin } = angles(positions);
    return {
      feeds: { last: int32([rows], last), longest: int32([], longest), cos, sin },
      set(before) {
        before.forEach((length, row) => last[row] = length + tokens - 1);
        longest[0] = tokens + before.reduce((most, length) => Math.max(most, length));
      },
    };
  };
  const none = new Map<string, PlacedTensor>();
  return { session, cache, fed: vectors, weights: none, mostScores: Infinity, placesOf };
}

/**
 * By plain ops, on any device, in any precision; weights, keys and values stay there.
 *
 * @param mostScores scores of attention that one run may make at once; 256 MiB of them in float32 unless given
 * @param stack is told of what is to be given back
 */
export async function openPlainWay(
  runtime: Runtime,
  { config, weights: given }: Model,
  { precision, mostScores = MOST_SCORES, stack }: {
    readonly precision: Precision;
    readonly mostScores?: number;
    readonly stack: AsyncDisposableStack;
  },
): Promise<DecodingWay> {
  const session = stack.adopt(
    await openGraph(runtime, plainDecoderGraph(config, precision)),
    (session) => session.release(),
  );
  const weights = new Map<string, PlacedTensor>();
  for (const [name, tensor] of given) {
    weights.set(name, stack.use(runtime.place<Precision>(inPrecision(tensor, precision))));
  }
  const cache = new PlacedCache(runtime, config, precision);
  stack.defer(() => cache.release());
  const angles = new RotaryAngles(config);
  const placesOf = ({ rows, tokens, positions }: RunSize): Places => {
    const first = int64([rows], new Int32Array(rows));
    const counted = (count: number) => int64([count], Array.from({ length: count }, (_, i) => i));
    const heads = config.keyValueHeads;
    const starts = Array.from({ length: rows * heads }, (_, i) => i * tokens);
    return {
      feeds: {
        first,
        steps: counted(tokens),
        slots: counted(positions),
        starts: int64([rows, heads], starts),
        ...angles.table(0, positions),
      },
      set: (before) => before.forEach((length, row) => first.data[row] = BigInt(length)),
    };
  };
  return {
    session,
    cache,
    fed: Object.fromEntries([...weights].filter(([name]) => session.inputs.includes(name))),
    weights,
    mostScores,
    placesOf,
  };
}

function int32(dims: readonly number[], data: Int32Array): Tensor<"int32"> {
  return { dtype: "int32", dims, data };
}
