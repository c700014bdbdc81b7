import { join } from "node:path";
import type { Json } from "../../core/json.ts";
import { InputError } from "../../core/problem.ts";
import { removeTree } from "../../pipeline/store/store.ts";
import stage from "../../stages/command_export.ts";
import type { StorageDtype } from "../../train/models/storage_dtype.ts";
import { runDirectly } from "../direct_job.ts";
import { type ExportedModel, modelOfPath, modelOfRun, withBaseName } from "../exported_model.ts";
import { moveInto, type NewFolder, withNewFolder } from "../new_folder.ts";
import { printJson, printResult } from "../output.ts";
import type { RecipeOptions } from "../session.ts";

/** Options of `ballast export`. */
export interface ExportOptions extends Pick<RecipeOptions, "recipe" | "set" | "store"> {
  /** A Hugging Face folder or a GGUF file, instead of an instance. */
  readonly model?: string;
  readonly adapter?: string;
  /** The adapter that the instance trained, instead of the model that it is merged into. */
  readonly adapterOnly: boolean;
  readonly merge: boolean;
  readonly tokenizer?: string;
  readonly baseModel?: string;
  readonly dtype: StorageDtype;
  /** In bytes. */
  readonly maxShardSize: number;
  readonly out: string;
  readonly json: boolean;
}

/** Writes a model or an adapter as a folder for others, with its cards; returns the exit code. */
export function exportModel(
  instance: string | undefined,
  options: ExportOptions,
): Promise<number> {
  return withNewFolder(
    { out: options.out, verb: "export" },
    async (place) => {
      const found = await findModel(instance, options);
      const adapter = options.adapterOnly ? trainedAdapter(instance, found, options) : undefined;
      return await exportInto(place, found, { adapter, ...options });
    },
  );
}

/**
 * The folder of the adapter that an instance trained.
 *
 * @throws InputError when it trained none, or over a model of which no name is known
 */
function trainedAdapter(
  instance: string | undefined,
  { adapter, card }: ExportedModel,
  { adapter: given, merge, baseModel }: ExportOptions,
): string {
  const refuse = (path: string, message: string) => new InputError([{ path, message }]);
  if (instance === undefined || given !== undefined || merge) {
    const message = "Expected an instance, and neither --adapter nor --merge, beside it.";
    throw refuse("--adapter-only", message);
  }
  if (adapter === undefined) {
    const message = `Expected an instance that trained an adapter (lora) last but found ` +
      `${instance}, which did not.`;
    throw refuse("--adapter-only", message);
  }
  if (baseModel !== undefined) return adapter.path;
  if (adapter.trainedOver !== null) {
    const message =
      `Expected the name on the hub of the model of ${adapter.trainedOver}, which the ` +
      `adapter was trained over. Export that model and publish it first.`;
    throw refuse("--base-model", message);
  }
  if (card.base.name === null) throw refuse("--base-model", `${NAMELESS}.`);
  return adapter.path;
}

const NAMELESS =
  "Expected the name on the hub of the model that the adapter is for, which none of the files says";

async function findModel(
  instance: string | undefined,
  options: ExportOptions,
): Promise<ExportedModel> {
  const { model, adapter, baseModel, recipe, set, store } = options;
  if ((instance === undefined) === (model === undefined)) {
    const found = instance === undefined ? "neither" : "both";
    const message = `Expected either an instance of a recipe or --model but found ${found}.`;
    throw new InputError([{ path: "--model", message }]);
  }
  const exported = instance === undefined
    ? await modelOfPath(model!, adapter)
    : await modelOfRun(instance, { recipe, set, store });
  const named = baseModel === undefined ? exported : withBaseName(exported, baseModel);
  if (adapter !== undefined && !options.merge && named.card.base.name === null) {
    throw new InputError([{ path: "--base-model", message: `${NAMELESS}, or --merge.` }]);
  }
  return named;
}

async function exportInto(
  { folder, workFolder }: NewFolder,
  { path, card }: ExportedModel,
  { adapter, tokenizer, merge, dtype, maxShardSize, json }: ExportOptions,
): Promise<number> {
  const params: Record<string, Json> = {
    model: path,
    merge,
    dtype,
    maxShardBytes: maxShardSize,
    card: card as unknown as Json,
    ...(adapter === undefined ? {} : { adapter }),
    ...(tokenizer === undefined ? {} : { tokenizer }),
  };
  let code = 1;
  try {
    code = await runDirectly({
      stage,
      params,
      workFolder,
      options: { maxShardBytes: "max-shard-size" },
    });
  } finally {
    if (code !== 0) await removeTree(workFolder);
  }
  if (code !== 0) return code;
  await moveInto(join(workFolder, "model"), folder);
  await removeTree(workFolder);
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  if (json) printJson({ folder, files });
  else printResult([`${folder}:`, ...files.map((name) => `  ${name}`)].join("\n"));
  return 0;
}
