import { dirname, join } from "node:path";
import type { Json } from "../../core/json.ts";
import { InputError, type Problem } from "../../core/problem.ts";
import stage from "../../stages/command_train.ts";
import { runDirectly } from "../direct_job.ts";
import { printJson, printNotice, printResult } from "../output.ts";
import { userPath } from "../project.ts";
import { readRows } from "../rows.ts";
import { machineCapacity } from "../session.ts";

/** Options of `ballast train`. */
export interface TrainOptions {
  readonly model: string;
  readonly pairs: string;
  readonly out: string;
  readonly loss: "dpo" | "rpo" | "ipo" | "hinge" | "sft";
  readonly beta?: number;
  readonly eta?: number;
  readonly sft?: "sum" | "sequence_mean" | "token_mean";
  readonly lr: number;
  readonly steps: number;
  readonly batchPairs: number;
  readonly schedule: "constant" | "linear" | "cosine";
  readonly warmupSteps: number;
  readonly maxGradNorm: number;
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
export async function train(options: TrainOptions): Promise<number> {
  const { out, resume, json, loss: _, beta: _b, eta: _e, sft: _s, reference, ...rest } = options;
  const folder = userPath(out);
  const workFolder = join(dirname(folder), `.${folder.slice(dirname(folder).length + 1)}.training`);
  const problems = [...lossProblems(options), ...folderProblems(folder)];
  if (problems.length > 0) throw new InputError(problems);
  if (!resume) await remove(workFolder);
  await Deno.mkdir(workFolder, { recursive: true });
  const params: Record<string, Json> = {
    ...rest,
    loss: lossParams(options),
    threads: options.threads ?? machineCapacity().cores,
  };
  if (reference !== undefined) params.reference = reference;
  const code = await runDirectly({ stage, params, workFolder });
  if (code !== 0) {
    printNotice(
      `The same command with --resume goes on from the last checkpoint in ${workFolder}.`,
    );
    return code;
  }
  const steps = (await readRows<Step>(join(workFolder, "steps", "steps.jsonl"))).map(contractStep);
  await remove(folder);
  await Deno.rename(join(workFolder, "model"), folder);
  await remove(workFolder);
  if (json) printJson({ steps });
  else printResult(stepTable(steps));
  return 0;
}

/** The fields that the command-line contract names, in its order. */
function contractStep(record: Step): Step {
  const { step, loss, dpoLoss, sftLoss, chosenLogp, rejectedLogp, gradNorm, lr } = record;
  return { step, loss, dpoLoss, sftLoss, chosenLogp, rejectedLogp, gradNorm, lr };
}

function lossParams({ loss, beta, eta, sft }: TrainOptions): Json {
  if (loss === "sft") {
    const ignored = [beta === undefined ? [] : "--beta", eta === undefined ? [] : "--eta"].flat();
    if (ignored.length > 0) {
      printNotice(`--loss sft has coefficient 1: ${ignored.join(" and ")} ignored.`);
    }
    return { loss, sft: sft! };
  }
  return loss === "rpo" ? { loss, beta: beta!, eta: eta!, sft: sft! } : { loss, beta: beta! };
}

function lossProblems({ loss, beta, eta, sft }: TrainOptions): Problem[] {
  const needed = {
    dpo: { beta },
    ipo: { beta },
    hinge: { beta },
    rpo: { beta, eta, sft },
    sft: { sft },
  }[loss];
  const what: Record<string, string> = {
    beta: "a number: the temperature of the preference loss",
    eta: "a number: η for sum, the coefficient for sequence_mean and token_mean",
    sft:
      "sum, sequence_mean or token_mean: there is no default, since they are not interchangeable",
  };
  return Object.entries(needed).filter(([, value]) => value === undefined).map(([name]) => ({
    path: `--${name}`,
    message: `Missing with --loss ${loss}. Expected ${what[name]}.`,
  }));
}

function folderProblems(folder: string): Problem[] {
  try {
    if ([...Deno.readDirSync(folder)].length === 0) return [];
    return [{
      path: "--out",
      message: `Expected a new or empty folder but found files in ${folder}.`,
    }];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    return [{ path: "--out", message: `${folder} cannot be used: ${(error as Error).message}.` }];
  }
}

async function remove(folder: string): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function stepTable(steps: readonly Step[]): string {
  const head = Object.keys(steps[0]);
  return [head.join("\t"), ...steps.map((step) => Object.values(step).join("\t"))].join("\n");
}
