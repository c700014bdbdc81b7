import { elementCount, float32, type Tensor } from "../core/tensor.ts";
import type { TrainingState } from "./checkpoint.ts";
import { toOnnx } from "./graph/to_onnx.ts";
import type { Weights } from "./models/model.ts";
import { parametersOf } from "./models/parameters.ts";
import { adamwScalars } from "./optim/adamw.ts";
import { openRuntime, type Session } from "./runtime/open_runtime.ts";
import {
  momentName,
  nextName,
  trainingGraph,
  type TrainingGraphOptions,
} from "./training_graph.ts";

/** What a step computed before it changed the weights. */
export interface StepOutputs {
  readonly preference: number;
  readonly regulariser: number;
  readonly gradNorm: number;
  /** Summed log-probs under the policy, (P). */
  readonly policyChosen: ArrayLike<number>;
  readonly policyRejected: ArrayLike<number> | null;
}

type Tensors = Record<string, Tensor<"float32">>;

/**
 * The training graph in a session, with the state it carries from step to step. State lives in two
 * sets of buffers: a step reads one and writes the other, so nothing is allocated or copied.
 */
export class TrainingStep {
  readonly #options: TrainingGraphOptions;
  readonly #session: Session;
  readonly #names: readonly string[];
  /** Weights and moments by input name: what the next step reads, and what it writes. */
  #current: Tensors;
  #spare: Tensors;
  #step: number;

  private constructor(options: TrainingGraphOptions, session: Session, state: TrainingState) {
    this.#options = options;
    this.#session = session;
    this.#names = parametersOf(options.config).map(({ name }) => name);
    this.#current = {};
    for (const name of this.#names) {
      this.#current[name] = copy(state.weights.get(name)!);
      this.#current[momentName("m", name)] = copy(state.firstMoments.get(name)!);
      this.#current[momentName("v", name)] = copy(state.secondMoments.get(name)!);
    }
    this.#spare = Object.fromEntries(
      Object.entries(this.#current).map(([name, { dims }]) => [name, zeros(dims)]),
    );
    this.#step = state.step;
  }

  /** Compiles the graph and loads the state, which stays the caller's. */
  static async open(
    options: TrainingGraphOptions,
    state: TrainingState,
    { threads }: { readonly threads: number },
  ): Promise<TrainingStep> {
    const runtime = await openRuntime({ threads });
    const session = await runtime.session(toOnnx(trainingGraph(options)));
    return new TrainingStep(options, session, state);
  }

  /** Takes one step on a batch: tensors by input name, of which the loss reads some or all. */
  async run(batch: Readonly<Record<string, Tensor>>, learningRate: number): Promise<StepOutputs> {
    const scalars = adamwScalars(this.#options.adamw, this.#step + 1, learningRate);
    const feeds: Record<string, Tensor> = { ...this.#current };
    for (const name of this.#session.inputs) {
      if (name in batch) feeds[name] = batch[name];
      else if (name in scalars) {
        feeds[name] = float32([], Float32Array.of(scalars[name as keyof typeof scalars]));
      }
    }
    const into: Tensors = {};
    for (const name of Object.keys(this.#spare)) into[nextName(name)] = this.#spare[name];
    const results = await this.#session.run(feeds, { into });
    [this.#current, this.#spare] = [this.#spare, this.#current];
    this.#step++;
    const numbers = (name: string) => results[name].data as ArrayLike<number>;
    return {
      preference: numbers("preference")[0],
      regulariser: numbers("regulariser")[0],
      gradNorm: numbers("gradNorm")[0],
      policyChosen: numbers("policyChosen"),
      policyRejected: this.#options.paired ? numbers("policyRejected") : null,
    };
  }

  /** The state after the last step; its tensors are overwritten by the step after the next. */
  state(): TrainingState {
    const pick = (toInput: (name: string) => string): Weights =>
      new Map(this.#names.map((name) => [name, this.#current[toInput(name)]]));
    return {
      step: this.#step,
      weights: pick((name) => name),
      firstMoments: pick((name) => momentName("m", name)),
      secondMoments: pick((name) => momentName("v", name)),
    };
  }

  /** Frees the session. */
  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** The state before the first step: the model's weights, moments zero. */
export function initialState(weights: Weights): TrainingState {
  const zeroed = () => new Map([...weights].map(([name, { dims }]) => [name, zeros(dims)]));
  return { step: 0, weights, firstMoments: zeroed(), secondMoments: zeroed() };
}

function copy({ dims, data }: Tensor<"float32">): Tensor<"float32"> {
  return float32(dims, data.slice());
}

function zeros(dims: readonly number[]): Tensor<"float32"> {
  return float32(dims, new Float32Array(elementCount(dims)));
}
