import { digestFile } from "../core/digest.ts";
import { ExpectedError } from "../core/problem.ts";
import type { Tensor } from "../core/tensor.ts";
import { syncPath } from "../core/write_atomically.ts";
import type { Weights } from "./models/model.ts";
import { readSafetensors, type TensorSource, writeSafetensors } from "./models/safetensors.ts";
import { type MomentPrecision, widened } from "./precision.ts";
import { formatStepRecords, parseStepRecords, type StepRecord } from "./step_record.ts";

/** All that training carries from one step to the next. */
export interface TrainingState {
  /** Steps done. */
  readonly step: number;
  /** Those that are trained. */
  readonly weights: Weights;
  /** AdamW's first moments, by the weight's name. */
  readonly firstMoments: Moments;
  /** AdamW's second moments, by the weight's name. */
  readonly secondMoments: Moments;
}

/** Moments by the weight's name, as they are kept in training; in checkpoints they are float32. */
export type Moments = Map<string, Tensor<MomentPrecision>>;

/** A state with the records of the steps that led to it. */
export interface ResumedRun {
  readonly state: TrainingState;
  readonly records: readonly StepRecord[];
}

/** What a folder of checkpoints is told of its run beside the digest. */
export interface CheckpointOptions {
  /** How many checkpoints stay, from the newest back: unless given that and the one before, should it be damaged. */
  readonly keep?: number;
  /** In how many processes the run is computed; 1 unless given. A refusal names it where it differs. */
  readonly processes?: number;
}

const KEEP = 2;
const NAME = /^step-(\d{8})\.([0-9a-f]{64})\.safetensors$/;
const GROUPS = { weights: "weight/", firstMoments: "m/", secondMoments: "v/" } as const;

/**
 * Checkpoints of one run in a folder: `step-00000040.<sha256 of the file>.safetensors`, written under
 * another name, synced and renamed, so that a file of that name is whole or its digest betrays it.
 * Step records are kept beside them in `steps.jsonl`.
 */
export class CheckpointFolder {
  readonly #keep: number;
  readonly #processes: number;
  #recorded = 0;
  #newest: number | null = null;

  /**
   * @param folder made when it does not exist
   * @param run digest of all that decides the run; another run's checkpoints are refused
   */
  constructor(
    readonly folder: string,
    readonly run: string,
    { keep = KEEP, processes = 1 }: CheckpointOptions = {},
  ) {
    this.#keep = keep;
    this.#processes = processes;
  }

  /** The step of the newest checkpoint that was opened or saved; null for none. */
  get newest(): number | null {
    return this.#newest;
  }

  /**
   * The newest checkpoint that is whole, with its step records; `null` when there is none. A damaged
   * one is removed and the one before taken; so is one that the caller has no use for.
   *
   * @throws ExpectedError when a whole checkpoint belongs to another run, or an older version wrote it
   */
  async open(
    isUsable: (step: number) => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<ResumedRun | null> {
    await Deno.mkdir(this.folder, { recursive: true });
    const records = await this.#readRecords();
    for (const { name, step, digest } of await this.#list()) {
      const path = `${this.folder}/${name}`;
      if ((await digestFile(path)).sha256 === digest) {
        const { tensors, metadata } = await readSafetensors(path);
        // Before anything is removed: another run's checkpoint is not ours to judge.
        const order = this.#requireOwn(path, metadata);
        if (step <= records.length && await isUsable(step)) {
          const kept = records.slice(0, step);
          await this.#replaceRecords(kept);
          this.#newest = step;
          return { state: ungroup(step, tensors, order), records: kept };
        }
      }
      // Left in place, it would count as one of those to keep.
      await Deno.remove(path);
    }
    await this.#replaceRecords([]);
    return null;
  }

  /** Writes a state and the records of all steps so far, and removes what is older than the newest `keep`. */
  async save(state: TrainingState, records: readonly StepRecord[]): Promise<void> {
    // Records first: a checkpoint is of use only with the records of all its steps.
    const path = `${this.folder}/steps.jsonl`;
    const rows = formatStepRecords(records.slice(this.#recorded));
    await Deno.writeTextFile(path, rows, { append: true });
    await syncPath(path);
    this.#recorded = records.length;

    const temporary = `${this.folder}/writing.tmp`;
    // The file has an order of its own; sums over all parameters depend on the model's.
    const order = JSON.stringify([...state.weights.keys()]);
    const written = await writeSafetensors(temporary, group(state), {
      metadata: { run: this.run, processes: String(this.#processes), order },
    });
    const name = `step-${String(state.step).padStart(8, "0")}.${written.sha256}.safetensors`;
    await Deno.rename(temporary, `${this.folder}/${name}`);
    await syncPath(this.folder); // the rename itself
    this.#newest = state.step;
    for (const old of (await this.#list()).slice(this.#keep)) {
      await Deno.remove(`${this.folder}/${old.name}`);
    }
  }

  /** The order of a checkpoint's parameters; throws when it is none of this run's. */
  #requireOwn(path: string, metadata: Readonly<Record<string, string>>): string[] {
    const { run, processes, order } = metadata;
    if (order === undefined) {
      throw new ExpectedError(
        `${path}: the checkpoint was written by an older version of Ballast; ` +
          "remove the folder to start afresh.",
      );
    }
    if (run !== this.run) {
      throw new ExpectedError(
        `${path}: the checkpoint belongs to a run with other options, weights or pairs` +
          `${this.#otherProcesses(processes)}; ` +
          "resume with the same ones, or remove the folder to start afresh.",
      );
    }
    return JSON.parse(order);
  }

  /** In how many processes a checkpoint's run was computed, where this one's are fewer or more. */
  #otherProcesses(written: string | undefined): string {
    const count = Number(written);
    if (!Number.isSafeInteger(count) || count === this.#processes) return "";
    return ` (of ${
      count === 1 ? "1 process" : `${count} processes`
    }, this one has ${this.#processes})`;
  }

  /** Newest first. */
  async #list(): Promise<{ name: string; step: number; digest: string }[]> {
    const found: { name: string; step: number; digest: string }[] = [];
    for await (const { name } of Deno.readDir(this.folder)) {
      const match = NAME.exec(name);
      if (match !== null) found.push({ name, step: Number(match[1]), digest: match[2] });
    }
    return found.sort((a, b) => b.step - a.step || (a.name < b.name ? -1 : 1));
  }

  async #readRecords(): Promise<StepRecord[]> {
    try {
      return parseStepRecords(await Deno.readTextFile(`${this.folder}/steps.jsonl`));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  async #replaceRecords(records: readonly StepRecord[]): Promise<void> {
    const temporary = `${this.folder}/steps.jsonl.tmp`;
    await Deno.writeTextFile(temporary, formatStepRecords(records));
    await Deno.rename(temporary, `${this.folder}/steps.jsonl`);
    this.#recorded = records.length;
  }
}

/** Tensors in the file, each widened when it is written. */
function group(state: TrainingState): Map<string, TensorSource> {
  const tensors = new Map<string, TensorSource>();
  for (const [key, prefix] of Object.entries(GROUPS)) {
    for (const [name, tensor] of state[key as keyof typeof GROUPS]) {
      const make = () => Promise.resolve(widened(tensor));
      tensors.set(prefix + name, { dims: tensor.dims, make });
    }
  }
  return tensors;
}

function ungroup(step: number, tensors: Weights, order: readonly string[]): TrainingState {
  const pick = (prefix: string): Weights =>
    new Map(order.flatMap((name) => {
      const tensor = tensors.get(prefix + name);
      return tensor === undefined ? [] : [[name, tensor]];
    }));
  return {
    step,
    weights: pick(GROUPS.weights),
    firstMoments: pick(GROUPS.firstMoments),
    secondMoments: pick(GROUPS.secondMoments),
  };
}
