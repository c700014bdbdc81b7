import { join } from "node:path";
import type { Json } from "../core/json.ts";
import { ExpectedError, InputError, nearest, type Problem } from "../core/problem.ts";
import { isNamed } from "../pipeline/graph.ts";
import type { PlannedInstance } from "../pipeline/plan.ts";
import type { BaseFacts, CardFacts } from "../reports/cards/card_facts.ts";
import { adapterBase, isHubName, NOTHING_STATED, statedBase } from "./base_facts.ts";
import { ADAPTER_FOLDER } from "../train/models/adapter_config.ts";
import { lookUp } from "./look_up.ts";
import { fieldsOf, type MadeInstance, ModelHistory } from "./model_history.ts";
import { userPath } from "./project.ts";
import { openSession, type RecipeOptions } from "./session.ts";

/** A model to be exported, and what is known of it. */
export interface ExportedModel {
  /** A Hugging Face folder or a GGUF file. */
  readonly path: string;
  readonly card: Omit<CardFacts, "weights">;
  /** What the model came of, where an adapter was trained last. */
  readonly adapter?: TrainedAdapter;
}

/** The adapter that a model has merged into it. */
export interface TrainedAdapter {
  readonly path: string;
  /** The instance whose model it adapts, where that is another one than the base: it is on no hub. */
  readonly trainedOver: string | null;
}

/**
 * The model that a recipe's instance made, with all that its store knows of it; nothing is run.
 *
 * @throws InputError when the name means no instance, several, or one that makes no model
 * @throws ExpectedError when its result is not in the store
 */
export async function modelOfRun(name: string, options: RecipeOptions): Promise<ExportedModel> {
  // Models and what measured them: stages beside these may lack what they need to run, such as a judge.
  const session = await openSession(options, (instances) => ({
    to: instances.filter((instance) => isNamed(instance, name) || tellsOfModels(instance))
      .map(({ id }) => id),
  }));
  const { store, recipe } = session.context;
  const planned = await session.plan();
  const { made, port } = findModel(name, { planned, recipe });
  const history = new ModelHistory(planned, store);
  const line = history.lineage(made);
  const { digest } = made.record.outputs[port];
  const instance = made.instance.id;
  const root = line[0].record.outputs;
  const first = Object.values(root).find(({ type }) => type === "model");
  const path = store.objectPath(digest);
  return {
    path,
    ...adapterOf(path, line),
    card: {
      origin: { recipe, instance, key: made.record.key, digest },
      base: await baseOfRun(line[0], first && store.objectPath(first.digest)),
      training: await history.training(line),
      measured: await history.measured({ instance, port }),
    },
  };
}

function adapterOf(model: string, line: readonly MadeInstance[]): Pick<ExportedModel, "adapter"> {
  const path = join(model, ADAPTER_FOLDER);
  if (lookUp(path) !== "folder") return {};
  const trainedOver = line.length > 2 ? line.at(-2)!.instance.id : null;
  return { adapter: { path, trainedOver } };
}

/**
 * A model from a path, with what its files say of themselves.
 *
 * @param adapter a folder of PEFT's, which names its model
 */
export async function modelOfPath(
  model: string,
  adapter: string | undefined,
): Promise<ExportedModel> {
  const path = userPath(model);
  const stated = await statedBase(path);
  const named = adapter === undefined ? null : await adapterBase(userPath(adapter));
  const base = { ...stated, name: named ?? stated.name, revision: null, fromScratch: false };
  return { path, card: { origin: null, base, training: [], measured: [] } };
}

/** The base with the name that a person gave it instead. */
export function withBaseName(exported: ExportedModel, name: string): ExportedModel {
  if (!isHubName(name)) {
    const message = `Expected a name on the hub, OWNER/NAME, but found ${JSON.stringify(name)}.`;
    throw new InputError([{ path: "--base-model", message }]);
  }
  const base: BaseFacts = { ...exported.card.base, name, revision: null, fromScratch: false };
  return { ...exported, card: { ...exported.card, base } };
}

async function baseOfRun(root: MadeInstance, path: string | undefined): Promise<BaseFacts> {
  const { params } = fieldsOf(root);
  const stated = path === undefined ? NOTHING_STATED : await statedBase(path);
  const { model, revision } = hubModel(params.hub) ?? { model: stated.name, revision: null };
  return {
    ...stated,
    name: model,
    revision: stated.revision ?? revision,
    fromScratch: root.instance.stage.name === "initialize",
  };
}

/** What `base-model` fetched from the hub; null where it read a file. */
function hubModel(hub: Json | undefined): { model: string; revision: string | null } | null {
  if (hub === undefined || hub === null || typeof hub !== "object" || Array.isArray(hub)) {
    return null;
  }
  const { model, revision } = hub;
  if (typeof model !== "string") return null;
  return { model, revision: typeof revision === "string" ? revision : null };
}

function findModel(
  name: string,
  { planned, recipe }: { readonly planned: readonly PlannedInstance[]; readonly recipe: string },
): { made: MadeInstance; port: string } {
  const refuse = (message: string, near?: string) => {
    const problem: Problem = { path: name, message };
    return new InputError([near === undefined ? problem : { ...problem, nearest: near }]);
  };
  const givesModel = planned.filter(({ instance }) => modelPort(instance) !== undefined);
  const ids = givesModel.map(({ instance }) => instance.id);
  const found = planned.filter(({ instance }) => isNamed(instance, name));
  if (found.length === 0) {
    throw refuse(
      `Expected an instance of the recipe ${recipe} that gives a model, such as ${
        ids.slice(0, 3).join(", ")
      }, but found none of this name.`,
      nearest(name, ids),
    );
  }
  if (found.length > 1) {
    const names = found.map(({ instance }) => instance.id).join(", ");
    throw refuse(`Expected one instance but found ${found.length}: ${names}.`);
  }
  const [{ instance, record, state }] = found;
  const port = modelPort(instance);
  if (port === undefined) {
    const gives = Object.values(instance.stage.outputs).map(({ type }) => type).join(", ");
    throw refuse(`Expected an instance that gives a model but found one that gives ${gives}.`);
  }
  if (record !== null) return { made: { instance, record }, port };
  throw new ExpectedError(
    `${instance.id} is ${state}: its model is not in the store. ` +
      `\`ballast run ${instance.id}\` with the same --recipe and --set makes it.`,
  );
}

function tellsOfModels({ stage }: PlannedInstance["instance"]): boolean {
  return Object.values(stage.outputs).some(({ type }) => type === "model" || type === "evaluation");
}

function modelPort({ stage }: PlannedInstance["instance"]): string | undefined {
  return Object.entries(stage.outputs).find(([, { type }]) => type === "model")?.[0];
}
