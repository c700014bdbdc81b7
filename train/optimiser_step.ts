import { Random } from "../core/random.ts";
import { float32, type Tensor } from "../core/tensor.ts";
import { adamwGraph, type AdamwOptions, adamwScalars, clipScale } from "./optim/adamw.ts";
import { normPiece, updatePiece } from "./optim/update_pieces.ts";
import { openGraph } from "./graph/open_graph.ts";
import {
  type GradientNorms,
  normsByPiece,
  normsOfAll,
  type NormsOptions,
} from "./gradient_norms.ts";
import { isOnHost, type PlacedState } from "./placed_state.ts";
import type { MomentPrecision } from "./precision.ts";
import type { PlacedTensor, PreparedRun, Runtime, Session } from "./runtime/open_runtime.ts";

/** What an optimiser step reads and writes, each by the parameter's name. */
export interface TrainedTensors {
  readonly weights: PlacedState;
  readonly gradients: PlacedState;
  readonly firstMoments: PlacedState<MomentPrecision>;
  readonly secondMoments: PlacedState<MomentPrecision>;
}

/** As many elements of each, which an update reads and writes. */
export interface TrainedBlock {
  readonly size: number;
  /** Of its first element, where blocks of one process have it: by it numbers are rounded at random. */
  readonly position: number;
  readonly value: PlacedTensor<"float32">;
  readonly gradient: PlacedTensor<"float32">;
  readonly firstMoment: PlacedTensor<MomentPrecision>;
  readonly secondMoment: PlacedTensor<MomentPrecision>;
}

/** What a process updates: all that is trained, or its part of that. */
export interface TrainedBlocks {
  /** In groups that are updated one after the other. */
  readonly groups: readonly (readonly TrainedBlock[])[];
  /** Whether moments are in host memory, although runs are not. */
  readonly offloadsMoments: boolean;
  /** Opens what measures the norms of their gradients. */
  readonly openNorms: (options: NormsOptions) => Promise<GradientNorms>;
}

const SCALARS = ["scale", "stepSize", "epsilon", "decay", "phase"] as const;

/**
 * All that is trained, as one process updates it.
 *
 * @param offloadsMoments whether moments are in host memory, although runs are not; not unless given
 */
export function allBlocks(
  runtime: Runtime,
  tensors: TrainedTensors,
  { offloadsMoments = false }: { readonly offloadsMoments?: boolean } = {},
): TrainedBlocks {
  const { weights, gradients, firstMoments, secondMoments } = tensors;
  // Moments that are not side by side have blocks of their own: what goes with them is a piece of all others.
  const blocks = firstMoments.blocks.map(({ name, size, elements }, i) => {
    const besides = (state: PlacedState) =>
      name === null ? state.blocks[i].elements : state.tensors.get(name)!;
    return {
      size,
      position: name === null ? 0 : weights.starts.get(name)!,
      value: besides(weights),
      gradient: besides(gradients),
      firstMoment: elements,
      secondMoment: secondMoments.blocks[i].elements,
    };
  });
  const measure = isOnHost(runtime) ? normsByPiece : normsOfAll;
  return {
    groups: [blocks],
    offloadsMoments,
    openNorms: (options) => measure(runtime, gradients, options),
  };
}

/** AdamW's settings, and what its moments are kept in: float32 unless given. */
export interface OptimiserOptions extends AdamwOptions {
  readonly moments?: MomentPrecision;
}

/** Updates one piece. */
type Update = Pick<PreparedRun, "run">;

/** AdamW, piece by piece, over the arrays where they lie. */
export class OptimiserStep {
  readonly #options: AdamwOptions;
  readonly #scalars: Readonly<Record<typeof SCALARS[number], Tensor<"float32">>>;
  /** Of each group. */
  readonly #updates: readonly (readonly Update[])[];
  readonly #norms: GradientNorms;
  /** What `release` gives back. */
  readonly #opened: AsyncDisposableStack;

  private constructor(
    options: AdamwOptions,
    { scalars, updates, norms, opened }: {
      readonly scalars: Readonly<Record<typeof SCALARS[number], Tensor<"float32">>>;
      readonly updates: readonly (readonly Update[])[];
      readonly norms: GradientNorms;
      readonly opened: AsyncDisposableStack;
    },
  ) {
    this.#options = options;
    this.#scalars = scalars;
    this.#updates = updates;
    this.#norms = norms;
    this.#opened = opened;
  }

  /** Compiles the graphs and binds every piece of the arrays once, but for moments that are offloaded. */
  static async open(
    runtime: Runtime,
    { groups, offloadsMoments, openNorms }: TrainedBlocks,
    { moments = "float32", ...options }: OptimiserOptions,
  ): Promise<OptimiserStep> {
    // Whatever was opened is given back should a later part not open.
    await using opened = new AsyncDisposableStack();
    const update = await openGraph(runtime, adamwGraph(options, { moments }));
    opened.defer(() => update.release());
    const scalars = Object.fromEntries(
      SCALARS.map((name) => [name, float32([], new Float32Array(1))]),
    ) as Record<typeof SCALARS[number], Tensor<"float32">>;
    const used = Object.fromEntries(
      SCALARS.filter((name) => update.inputs.includes(name)).map((name) => [name, scalars[name]]),
    );
    const isNoisy = moments !== "float32";
    const division = { onHost: isOnHost(runtime), isNoisy, offloadsMoments };
    const piece = updatePiece(division);
    const noise = isNoisy ? opened.use(runtime.place(drawNoise(piece))) : null;
    const updates = groups.map((blocks) =>
      divideUpdates(update, { blocks, piece, noise, scalars: used, offloadsMoments, opened })
    );
    const norms = await openNorms({ piece: normPiece(division), opened });
    return new OptimiserStep(options, { scalars, updates, norms, opened: opened.move() });
  }

  /** The L2 norm of the gradients of all blocks together. */
  async gradNorm(): Promise<number> {
    return await this.#norms.total();
  }

  /** The L2 norm of each parameter's gradient. */
  async gradientNorms(): Promise<Map<string, number>> {
    return await this.#norms.byName();
  }

  /**
   * Updates every element for a step (from 1), and sets the gradients to zero.
   *
   * @param afterGroup is called when all of a group has its new values
   */
  async update(
    step: number,
    { learningRate, gradNorm, maxGradNorm, lossScale = 1 }: {
      readonly learningRate: number;
      /** Of the gradient itself, not of what is gathered of a scaled loss. */
      readonly gradNorm: number;
      readonly maxGradNorm: number;
      /** What gathered gradients are too large by; 1 unless given. */
      readonly lossScale?: number;
    },
    afterGroup?: (group: number) => Promise<void>,
  ): Promise<void> {
    const scalars = adamwScalars(this.#options, step, learningRate);
    const scale = clipScale(gradNorm, maxGradNorm) / lossScale;
    const all = { ...scalars, scale, phase: phaseOf(step) };
    for (const name of SCALARS) this.#scalars[name].data[0] = all[name];
    for (const [group, updates] of this.#updates.entries()) {
      for (const update of updates) await update.run();
      await afterGroup?.(group);
    }
  }

  /** Frees sessions and bindings; the arrays stay the caller's. */
  async release(): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

/** What moments of 16 bits are rounded by: as many numbers in 0 … 1, the same ones in every run. */
function drawNoise(count: number): Tensor<"float32"> {
  const random = Random.seeded(0, "rounding");
  return float32([count], Float32Array.from({ length: count }, () => random.uniform()));
}

/** Where noise begins at a step: it hangs on the step alone, so that resumed runs round alike. */
function phaseOf(step: number): number {
  return Random.seeded(step, "rounding").uniform();
}

/** The updates of every block, piece by piece. */
function divideUpdates(
  session: Session,
  { blocks, piece, noise, scalars, offloadsMoments, opened }: {
    readonly blocks: readonly TrainedBlock[];
    readonly piece: number;
    /** As long as a piece; null where nothing is rounded by it. */
    readonly noise: PlacedTensor<"float32"> | null;
    readonly scalars: Readonly<Record<string, Tensor>>;
    readonly offloadsMoments: boolean;
    /** Told of what is to be given back. */
    readonly opened: AsyncDisposableStack;
  },
): Update[] {
  return blocks.flatMap(({ size, position, value, gradient, firstMoment, secondMoment }) => {
    const whole = { value, gradient, m: firstMoment, v: secondMoment };
    // Where noise begins anew a piece does, so that an element meets the same in any block.
    const before = noise === null ? 0 : position % piece;
    return Array.from({ length: Math.ceil((before + size) / piece) }, (_, i) => {
      const start = Math.max(0, i * piece - before);
      const count = Math.min((i + 1) * piece - before, size) - start;
      const pieces = Object.entries(whole).map(([name, tensor]) =>
        [name, opened.use(tensor.piece(start, count))] as const
      );
      const feeds = {
        ...Object.fromEntries(pieces),
        ...noise && { noise: opened.use(noise.piece(i === 0 ? before : 0, count)) },
        ...scalars,
      };
      const into = Object.fromEntries(pieces.map(([name, tensor]) => [`next/${name}`, tensor]));
      const request = { into, inPlace: Object.keys(into) };
      if (!offloadsMoments) return session.prepare(feeds, { ...request, blocking: true });
      // What is bound stays on the device; a run that is not takes moments there and back again.
      return { run: async () => void await session.run(feeds, request) };
    });
  });
}
