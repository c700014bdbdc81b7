import { pathToFileURL } from "node:url";
import { z } from "../core/zod.ts";
import { sha256 } from "../core/digest.ts";
import { InputError, type Problem } from "../core/problem.ts";
import { normaliseSource } from "../pipeline/normalise_source.ts";
import { objectSchema, schemaProblems } from "../pipeline/schema_problems.ts";
import { type CustomLoss, customLossProblem } from "../train/losses/custom_loss.ts";
import { type LossDefinition, lossDefinitionSchema } from "../train/losses/define_loss.ts";
import type { LossOptions, TrainingLoss } from "../train/losses/losses.ts";
import { lossParams } from "./loss_params.ts";
// What a file's loss is made of is code that a stage runs, and so is in its key.
import "../train/losses/mod.ts";

/** Parameters that choose a loss, maybe among others. */
export type LossChoice = z.output<ReturnType<typeof lossParams<Record<never, never>>>>;

type FileChoice = Extract<LossChoice, { loss: "custom" }>;

/**
 * The loss that parameters choose, read from its file where it has one.
 *
 * @throws InputError with every problem of the file and the coefficients
 */
export async function openLoss(params: LossChoice): Promise<TrainingLoss> {
  if (params.loss !== "custom") return lossOptions(params);
  const { loss, problems } = await readLoss(params);
  if (loss === null) throw new InputError(problems);
  const digest = sha256(normaliseSource(await Deno.readTextFile(params.file)));
  return { loss: "custom", ...loss, digest };
}

/** What is wrong with a loss's file and its coefficients; nothing for a loss of the project. */
export async function lossProblems(params: LossChoice): Promise<readonly Problem[]> {
  return params.loss === "custom" ? (await readLoss(params)).problems : [];
}

/** Of all parameters those of the loss. */
function lossOptions(params: Exclude<LossChoice, FileChoice>): LossOptions {
  const names = Object.keys(objectSchema(lossParams({}), params)!.shape);
  const chosen = Object.entries(params).filter(([name]) => names.includes(name));
  return Object.fromEntries(chosen) as LossOptions;
}

interface ReadLoss {
  readonly loss: Pick<CustomLoss, "definition" | "coefficients"> | null;
  readonly problems: readonly Problem[];
}

async function readLoss({ file, coefficients }: FileChoice): Promise<ReadLoss> {
  const wrong = (problems: readonly Problem[]): ReadLoss => ({
    loss: null,
    problems: problems.map(({ path, message, ...problem }) => ({
      ...problem,
      path: path.startsWith("coefficients") ? path : "file",
      message: `${file}: ${path.startsWith("export") ? `${path}: ` : ""}${message}`,
    })),
  });
  const exported = await defaultExport(file);
  if (exported instanceof Error) return wrong([{ path: "file", message: exported.message }]);
  const unfit = schemaProblems(lossDefinitionSchema, exported, "export default");
  if (unfit.length > 0) return wrong(unfit);
  const definition = exported as LossDefinition;
  const schema = z.strictObject(definition.coefficients);
  const misgiven = schemaProblems(schema, coefficients, "coefficients");
  if (misgiven.length > 0) return wrong(misgiven);
  const loss = { definition, coefficients: schema.parse(coefficients) };
  const problem = customLossProblem(loss);
  if (problem !== null) {
    return wrong([{ path: "file", message: `${definition.name} cannot be built: ${problem}` }]);
  }
  return { loss, problems: [] };
}

async function defaultExport(file: string): Promise<unknown> {
  try {
    return (await import(pathToFileURL(file).href)).default;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
