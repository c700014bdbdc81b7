import { notePulled } from "../../pipeline/store/pulled.ts";
import { formatBytes, formatCount } from "../../pipeline/reporters/quantities.ts";
import { portTypes, type StageOutputs } from "../../pipeline/transfer/port_types.ts";
import { stages } from "../../stages/registry.ts";
import { recordsOf } from "../bundle/bundle_content.ts";
import { namedRun } from "./bundle.ts";
import { openPull, openPush } from "../cache/open_link.ts";
import { printJson, printResult } from "../output.ts";
import { ExpectedError } from "../../core/problem.ts";
import { openStore } from "../session.ts";

/** Options of `ballast push` and `ballast pull`. */
export interface CacheOptions {
  readonly recipe: string;
  readonly store?: string;
  readonly json: boolean;
}

/** Sends a run's results to a cache. */
export async function push(
  cache: string,
  name: string | undefined,
  options: CacheOptions,
): Promise<void> {
  const store = openStore(options.store);
  const run = namedRun(store, name, options.recipe);
  const instances = [...recordsOf(store, run)].map(([id, { key }]) => ({ id, key }));
  using _share = await store.share();
  await using link = await openPush(store, cache);
  const sent = await link.push({ recipe: run.recipe, instances });
  const { keys, objects, bytes } = sent;
  if (options.json) return printJson({ run: run.run, ...sent });
  printResult(
    `Run ${run.run} of ${run.recipe}: ${formatCount(keys.length, "result")} there, of which ${
      formatCount(objects, "object")
    } (${formatBytes(bytes)}) ${objects === 1 ? "was" : "were"} sent.`,
  );
}

/** Takes the results of the run of a recipe that was pushed last. */
export async function pull(
  cache: string,
  options: CacheOptions & { readonly limit?: number; readonly offline: boolean },
): Promise<void> {
  const store = openStore(options.store);
  using _share = await store.share();
  await using opened = await openPull(store, { cache, ...options });
  const listed = await opened.link.list(options.recipe);
  if (listed === null) throw new ExpectedError(`No run of ${options.recipe} was pushed there.`);
  const taken = await opened.link.pull(listed.instances.map(({ key }) => key), stageOutputs());
  const { keys, missing, objects, bytes } = taken;
  await notePulled(store, options.recipe, keys);
  if (options.json) return printJson(taken);
  printResult(
    `${options.recipe}: ${formatCount(keys.length, "result")} here, of which ${
      formatCount(objects, "object")
    } (${formatBytes(bytes)}) ${objects === 1 ? "was" : "were"} fetched` +
      `${missing.length === 0 ? "." : `; ${missing.length} are not there.`}`,
  );
}

/** What this version's stages give. */
function stageOutputs(): StageOutputs {
  return Object.fromEntries([...stages].map(([name, { outputs }]) => [name, portTypes(outputs)]));
}
