import { fileURLToPath } from "node:url";
import type { CodeFields, CodeIndex } from "../../../pipeline/code_digest.ts";
import { StoredDigests } from "../../../pipeline/digest_memory.ts";
import type { EventSubscriber, RunEvent } from "../../../pipeline/events.ts";
import { LocalExecutor } from "../../../pipeline/executors/local.ts";
import { expand } from "../../../pipeline/expand.ts";
import { select, type Selection } from "../../../pipeline/graph.ts";
import { parseOverrides } from "../../../pipeline/overrides.ts";
import { makePlan, type PlannedInstance } from "../../../pipeline/plan.ts";
import { parseRecipe } from "../../../pipeline/recipe.ts";
import { type RunContext, runPlan, type RunResult } from "../../../pipeline/run.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { parseSweeps, withSweeps } from "../../../pipeline/sweep.ts";
import { toyStages } from "./stages.ts";

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");

/** A recipe of toy stages over a store in a temporary folder. */
export interface ToyPipeline extends AsyncDisposable {
  readonly folder: string;
  readonly store: Store;
  /** Every event of the last run. */
  readonly events: RunEvent[];
  /** What the code index says of each stage; a test changes it to "edit" code. */
  code: CodeFields;
  /** Modules that were edited while a stage ran. */
  edited: string[];
  plan(recipe: string, options?: ToyOptions): Promise<PlannedInstance[]>;
  run(recipe: string, options?: ToyOptions): Promise<RunResult>;
  /** The number that an instance gave. */
  number(result: RunResult, id: string): number;
}

/** How a toy run differs from the plain one. */
export interface ToyOptions extends Selection {
  readonly set?: readonly string[];
  readonly sweep?: readonly string[];
  readonly context?: Partial<RunContext>;
}

/** Opens a toy pipeline with an empty store, or with the store of a folder that another one made. */
export async function openToyPipeline(given?: string): Promise<ToyPipeline> {
  const folder = given ?? await Deno.makeTempDir({ prefix: "ballast-toy-" });
  const store = Store.open(`${folder}/store`);
  const events: RunEvent[] = [];
  const host = { isa: "test", os: "test", deno: "test" };
  const planned = async (text: string, options: ToyOptions) => {
    const { source, sweeps } = withSweeps(
      await parseRecipe(text, "toy.yaml"),
      await parseSweeps(options.sweep ?? []),
    );
    const instances = expand(source, {
      sweeps,
      stages: toyStages,
      overrides: await parseOverrides(options.set ?? []),
      recipeFolder: folder,
      userFolder: folder,
      lookUp,
    });
    const selected = select(instances, options);
    const code = {
      code: () => Promise.resolve(toy.code),
      editedSince: () => Promise.resolve(toy.edited),
    } as unknown as CodeIndex;
    const memory = StoredDigests.open(store);
    const context = { recipe: source.recipe.recipe, store, code, memory, machine: "toy" };
    return { planned: await makePlan(selected.instances, context), context, selected };
  };
  const toy: ToyPipeline = {
    folder,
    store,
    events,
    code: { modules: { "toy.ts": "1" }, packages: [] },
    edited: [],
    plan: async (text, options = {}) => (await planned(text, options)).planned,
    run: async (text, options = {}) => {
      using share = await store.share();
      const { planned: plan, context, selected } = await planned(text, options);
      events.length = 0;
      const subscriber: EventSubscriber = { receive: (event) => events.push(event) };
      return await runPlan(plan, {
        ...context,
        executor: toyExecutor(2),
        share,
        artifactTypes: new URL("artifact_types.ts", import.meta.url).href,
        subscribers: [subscriber],
        header: { recipe: context.recipe, parameters: {}, command: [], startedAt: "", host },
        host,
        runnable: selected.runnable,
        stop: new AbortController().signal,
        kill: new AbortController().signal,
        now: Date.now,
        ...options.context,
      });
    },
    number: (result, id) => {
      const digest = result.records.get(id)!.outputs.number.digest;
      return Number(Deno.readTextFileSync(`${store.objectPath(digest)}/number.json`));
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
  return toy;
}

/** The local executor over the toy stages. */
export function toyExecutor(cores: number): LocalExecutor {
  return new LocalExecutor({
    deno: Deno.execPath(),
    projectFolder: PROJECT,
    codeFolders: ["core", "pipeline", "tests"],
    cores,
    memory: 1024,
  });
}

function lookUp(path: string): "file" | "folder" | null {
  try {
    return Deno.statSync(path).isDirectory ? "folder" : "file";
  } catch {
    return null;
  }
}
