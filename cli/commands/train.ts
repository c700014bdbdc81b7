import { join } from "node:path";
import type { Json } from "../../core/json.ts";
import type { SftNormalisation } from "../../train/losses/sft_normalisation.ts";
import type { ScheduleName } from "../../train/optim/schedule.ts";
import type { MomentPrecision, Precision } from "../../train/precision.ts";
import type { StepRecord } from "../../train/step_record.ts";
import { objectSchema } from "../../pipeline/schema_problems.ts";
import { removeTree } from "../../pipeline/store/store.ts";
import stage from "../../stages/command_train.ts";
import { lossParams } from "../../stages/loss_params.ts";
import { isLossFile, parseCoefficients } from "../loss_option.ts";
import { runDirectly } from "../direct_job.ts";
import { moveInto, type NewFolder, withNewFolder } from "../new_folder.ts";
import { printJson, printNotice, printResult } from "../output.ts";
import { readRows } from "../rows.ts";
import { machineCapacity } from "../session.ts";
import { openStepLog } from "../step_log.ts";

/** Options of `ballast train`. */
export interface TrainOptions {
  readonly model: string;
  /** A folder of PEFT's to start from. */
  readonly adapter?: string;
  readonly loraRank?: number;
  readonly loraAlpha?: number;
  readonly loraTargets?: string[];
  readonly tokenizer?: string;
  /** A file of Jinja. */
  readonly template?: string;
  readonly pairs: string;
  readonly out: string;
  /** A loss of the project, or the path of a file that exports one. */
  readonly loss: string;
  readonly beta?: number;
  readonly eta?: number;
  readonly sft?: SftNormalisation;
  /** A record as YAML. */
  readonly coefficients?: string;
  readonly lr: number;
  readonly steps: number;
  readonly batchPairs: number;
  readonly microBatchPairs?: number;
  readonly vocabularyChunk?: number;
  readonly attentionBlock?: number;
  readonly moments?: MomentPrecision;
  readonly offloadMoments?: boolean;
  readonly gradientCheckpointing: boolean;
  readonly schedule: ScheduleName;
  readonly warmupSteps: number;
  readonly maxGradNorm: number;
  readonly gradientShareSteps?: number;
  readonly weightDecay: number;
  readonly maxLength: number;
  readonly maxPromptLength: number;
  readonly reference?: string;
  readonly resume: boolean;
  readonly seed: number;
  readonly order: "sequential" | "shuffled";
  readonly threads?: number;
  readonly processes?: number;
  readonly device?: string;
  readonly precision?: Precision;
  readonly tf32?: boolean;
  readonly fusedAttention?: boolean;
  /** Where each step is logged as it is done, with what it took on this machine. */
  readonly log?: string;
  readonly json: boolean;
}

/** What is printed of a step; all that is known of it stays beside the model. */
type Step = Pick<
  StepRecord,
  | ("step" | "loss" | "dpoLoss" | "sftLoss" | "chosenLogp" | "rejectedLogp" | "gradNorm" | "lr")
  | ("lossScale" | "skippedSteps")
>;

/**
 * Trains a model into a new folder, with each step's record (`steps.jsonl`) beside it, and prints its
 * steps; returns the exit code.
 */
export function train(options: TrainOptions): Promise<number> {
  return withNewFolder(
    {
      out: options.out,
      verb: "train",
      elsewhere: options.log === undefined ? {} : { "--log": options.log },
    },
    (place) => trainInto(place, options),
  );
}

async function trainInto(
  { folder, workFolder }: NewFolder,
  options: TrainOptions,
): Promise<number> {
  const { out: _o, loss: _, beta: _b, eta: _e, sft: _s, coefficients: _c, ...rest } = options;
  const { resume, json, log, ...kept } = rest;
  const { reference, gradientShareSteps, processes, ...others } = kept;
  const params: Record<string, Json> = {
    ...others,
    ...await lossChoice(options),
    threads: options.threads ??
      Math.max(1, Math.floor(machineCapacity().cores / (options.processes ?? 1))),
  };
  if (reference !== undefined) params.reference = reference;
  if (processes !== undefined) params.processes = processes;
  if (gradientShareSteps !== undefined) params.gradientShareSteps = gradientShareSteps;
  using lines = log === undefined ? null : await openStepLog(log);
  const code = await runDirectly({
    onStep: (figures) => lines?.write(figures),
    stage,
    params,
    workFolder,
    resume,
    options: { file: "loss" },
  });
  if (code !== 0) {
    printNotice(
      `The same command with --resume goes on from the last checkpoint in ${workFolder}.`,
    );
    return code;
  }
  const records = join(workFolder, "steps");
  const steps = (await readRows<StepRecord>(join(records, "steps.jsonl"))).map(contractStep);
  const model = join(workFolder, "model");
  await Deno.rename(join(records, "steps.jsonl"), join(model, "steps.jsonl"));
  await moveInto(model, folder);
  await removeTree(workFolder);
  if (json) printJson({ steps });
  else printResult(stepTable(steps));
  return 0;
}

/** The fields that the command-line contract names, in its order; in float16 those of its loss scale, too. */
function contractStep(record: StepRecord): Step {
  const { step, loss, dpoLoss, sftLoss, chosenLogp, rejectedLogp, gradNorm, lr } = record;
  const { lossScale, skippedSteps } = record;
  return {
    ...{ step, loss, dpoLoss, sftLoss, chosenLogp, rejectedLogp, gradNorm, lr },
    ...(lossScale === undefined ? {} : { lossScale, skippedSteps }),
  };
}

/** The loss and the coefficients that it reads; its schema says which of them are missing. */
async function lossChoice(
  { loss, beta, eta, sft, coefficients: written }: TrainOptions,
): Promise<Record<string, Json>> {
  const coefficients = written === undefined ? undefined : await parseCoefficients(written);
  const choice: Record<string, Json> = isLossFile(loss) ? { loss: "custom", file: loss } : { loss };
  const known = Object.keys(objectSchema(lossParams({}), choice)?.shape ?? {});
  const given = Object.entries({ beta, eta, sft, coefficients })
    .flatMap(([name, value]): [string, Json][] => value === undefined ? [] : [[name, value]]);
  const ignored = given.map(([name]) => name).filter((name) => !known.includes(name));
  if (ignored.length > 0) {
    printNotice(`--loss ${loss} ignores ${ignored.map((name) => `--${name}`).join(" and ")}.`);
  }
  return { ...choice, ...Object.fromEntries(given.filter(([name]) => known.includes(name))) };
}

function stepTable(steps: readonly Step[]): string {
  const head = Object.keys(steps[0]);
  return [head.join("\t"), ...steps.map((step) => Object.values(step).join("\t"))].join("\n");
}
