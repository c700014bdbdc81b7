/** What every system is asked to do; the workers get it as their only argument, as JSON. */
export interface Job {
  /** Hugging Face folder to begin at. */
  readonly model: string;
  /** Folder of the tokenizer, which TRL wants although the pairs are tokenized. */
  readonly tokenizer: string;
  /** JSON lines of `BenchPair`, in the order in which they are trained on. */
  readonly pairs: string;
  readonly batchPairs: number;
  /** Steps before the measured ones. */
  readonly warmupSteps: number;
  /** Measured steps. */
  readonly steps: number;
  readonly threads: number;
  /** `null` for full fine-tuning. */
  readonly lora: { readonly rank: number; readonly alpha: number } | null;
  /** PyTorch alone: how torch.compile treats lengths; `null` is eager. */
  readonly compile: "dynamic" | "static" | null;
  readonly beta: number;
  readonly eta: number;
  readonly lr: number;
  readonly maxGradNorm: number;
}

/** What is trained alike in every measurement: RPO with a sum over tokens. */
export const RPO = { beta: 0.1, eta: 0.005, lr: 1e-6, maxGradNorm: 1 } as const;

/** What a worker prints after `RESULT `. */
export interface WorkerResult {
  /** Time of day (milliseconds) at which each step was done, warm-up included. */
  readonly stepEnds: readonly number[];
  readonly losses: readonly number[];
  /** VmHWM */
  readonly peakBytes: number;
}

const MARK = "RESULT ";

/** The line that a worker prints. */
export function formatResult(result: WorkerResult): string {
  return `${MARK}${JSON.stringify(result)}`;
}

/** The result among what a worker printed; `null` when there is none. */
export function parseResult(stdout: string): WorkerResult | null {
  const line = stdout.split("\n").findLast((text) => text.startsWith(MARK));
  return line === undefined ? null : JSON.parse(line.slice(MARK.length)) as WorkerResult;
}
