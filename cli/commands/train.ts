import { join } from "node:path";
import type { Json } from "../../core/json.ts";
import type { SftNormalisation } from "../../train/losses/sft_normalisation.ts";
import { objectSchema } from "../../pipeline/schema_problems.ts";
import { removeTree } from "../../pipeline/store/store.ts";
import stage from "../../stages/command_train.ts";
import { lossParams } from "../../stages/loss_params.ts";
import { isLossFile } from "../loss_option.ts";
import { runDirectly } from "../direct_job.ts";
import { moveInto, type NewFolder, withNewFolder } from "../new_folder.ts";
import { printJson, printNotice, printResult } from "../output.ts";
import { readRows } from "../rows.ts";
import { machineCapacity } from "../session.ts";

/** Options of `ballast train`. */
export interface TrainOptions {
  readonly model: string;
  /** A folder of PEFT's to start from. */
  readonly adapter?: string;
  readonly loraRank?: number;
  readonly loraAlpha?: number;
  readonly loraTargets?: string[];
  readonly pairs: string;
  readonly out: string;
  /** A loss of the project, or the path of a file that exports one. */
  readonly loss: string;
  readonly beta?: number;
  readonly eta?: number;
  readonly sft?: SftNormalisation;
  readonly coefficients?: Record<string, Json>;
  readonly lr: number;
  readonly steps: number;
  readonly batchPairs: number;
  readonly microBatchPairs?: number;
  readonly gradientCheckpointing: boolean;
  readonly schedule: "constant" | "linear" | "cosine";
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
  readonly json: boolean;
}

interface Step {
  readonly step: number;
  readonly loss: number;
  readonly dpoLoss: number;
  readonly sftLoss: number;
  readonly chosenLogp: number;
  readonly rejectedLogp: number;
  readonly gradNorm: number;
  readonly lr: number;
}

/** Trains a model into a new folder and prints its steps; returns the exit code. */
export function train(options: TrainOptions): Promise<number> {
  return withNewFolder(
    { out: options.out, verb: "train" },
    (place) => trainInto(place, options),
  );
}

async function trainInto(
  { folder, workFolder }: NewFolder,
  options: TrainOptions,
): Promise<number> {
  const { out: _o, resume, json, loss: _, beta: _b, eta: _e, sft: _s, coefficients: _c, ...rest } =
    options;
  const { reference, gradientShareSteps, ...others } = rest;
  const params: Record<string, Json> = {
    ...others,
    ...lossChoice(options),
    threads: options.threads ?? machineCapacity().cores,
  };
  if (reference !== undefined) params.reference = reference;
  if (gradientShareSteps !== undefined) params.gradientShareSteps = gradientShareSteps;
  const code = await runDirectly({
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
  const steps = (await readRows<Step>(join(workFolder, "steps", "steps.jsonl"))).map(contractStep);
  await moveInto(join(workFolder, "model"), folder);
  await removeTree(workFolder);
  if (json) printJson({ steps });
  else printResult(stepTable(steps));
  return 0;
}

/** The fields that the command-line contract names, in its order. */
function contractStep(record: Step): Step {
  const { step, loss, dpoLoss, sftLoss, chosenLogp, rejectedLogp, gradNorm, lr } = record;
  return { step, loss, dpoLoss, sftLoss, chosenLogp, rejectedLogp, gradNorm, lr };
}

/** The loss and the coefficients that it reads; its schema says which of them are missing. */
function lossChoice({ loss, beta, eta, sft, coefficients }: TrainOptions): Record<string, Json> {
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
