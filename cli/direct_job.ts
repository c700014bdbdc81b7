import { join } from "node:path";
import type { Json } from "../core/json.ts";
import { ExpectedError, InputError, type Problem } from "../core/problem.ts";
import { cacheFolders } from "../pipeline/attempt.ts";
import { checkModules } from "../pipeline/check_modules.ts";
import { resolvePaths } from "../pipeline/path_param.ts";
import { schemaProblems } from "../pipeline/schema_problems.ts";
import type { Stage, StepFigures } from "../pipeline/stage.ts";
import { removeTree } from "../pipeline/store/store.ts";
import { INTERRUPTED, listenForInterrupts } from "./interrupts.ts";
import { lookUp } from "./look_up.ts";
import { printNotice, showProgress } from "./output.ts";
import { CODE, userFolder } from "./project.ts";
import { ARTIFACT_TYPES, localExecutor } from "./local_workers.ts";
import { openStore } from "./session.ts";

/** A stage run by itself, outside of any recipe and store. */
export interface DirectJob {
  readonly stage: Stage;
  readonly params: Record<string, Json>;
  /** Each output's folder, and the scratch folder, lie below this one. */
  readonly workFolder: string;
  /** Goes on from what an earlier call left in `workFolder`, instead of beginning anew. */
  readonly resume?: boolean;
  /** Told of what the stage measures of each of its steps. */
  readonly onStep?: (figures: StepFigures) => void;
  /** What is said at the first Ctrl-C; that of stages of recipes unless given. */
  readonly stopping?: string;
  /** What is told in place of a text that the stage logs or fails with; that text unless given. */
  readonly shown?: (text: string) => string;
  /** Options that are not called like the parameters they give, by parameter. */
  readonly options?: Readonly<Record<string, string>>;
}

/**
 * Runs a stage in a worker with the permissions of its paths; outputs are in `workFolder/<port>`.
 *
 * @returns the exit code
 * @throws InputError with every parameter that is wrong and every path that does not exist
 * @throws ExpectedError when the stage fails
 */
export async function runDirectly(
  { stage, params, workFolder, resume = false, onStep, stopping, ...rest }: DirectJob,
): Promise<number> {
  const { shown = (text) => text, options = {} } = rest;
  const { paths, modules, problems } = resolvePaths(stage.params, params, {
    base: userFolder,
    lookUp,
  });
  const wrong = [
    ...problems.map(({ key, message }) => ({ path: key, message })),
    ...schemaProblems(stage.params, params, ""),
  ];
  if (wrong.length === 0) {
    const parsed = stage.params.parse(params) as Json;
    wrong.push(
      ...(await checkModules([{ stage, params: parsed, paths, modules }], CODE))[0],
    );
  }
  if (wrong.length > 0) throw new InputError(wrong.map((problem) => asOption(problem, options)));
  if (!resume) await removeTree(workFolder);
  const outputs: Record<string, { type: string; folder: string }> = {};
  for (const [port, { type }] of Object.entries(stage.outputs)) {
    outputs[port] = { type, folder: join(workFolder, port) };
    await Deno.mkdir(outputs[port].folder, { recursive: true });
  }
  const scratch = join(workFolder, "scratch");
  await Deno.mkdir(scratch, { recursive: true });
  const resources = stage.resources(params);
  using interrupts = listenForInterrupts(stopping);
  const job = localExecutor().start({
    id: stage.name,
    run: stage.name,
    stage: stage.name,
    module: stage.module,
    artifactTypes: ARTIFACT_TYPES,
    params,
    inputs: {},
    outputs,
    scratch,
    attempt: workFolder,
    caches: await cacheFolders(resources, (name) => openStore(undefined).cacheFolder(name)),
    paths: Object.values(paths),
    resources,
  }, (message) => {
    if (message.type === "progress") showProgress(message.progress);
    else if (message.type === "log") printNotice(shown(message.message));
    else if (message.type === "step") onStep?.(message.figures);
  });
  interrupts.stop.addEventListener("abort", () => job.stop());
  interrupts.kill.addEventListener("abort", () => job.kill());
  const result = await job.done;
  if (interrupts.stop.aborted) return INTERRUPTED;
  if (result.status === "failed") throw new ExpectedError(shown(result.error));
  return result.status === "done" ? 0 : 1;
}

/** A parameter's problem under the option's name: `maxLength` is `--max-length`. */
function asOption({ path, ...problem }: Problem, options: Readonly<Record<string, string>>) {
  const [param, ...inside] = path.split(".");
  const name = options[param] ??
    param.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { ...problem, path: [`--${name}`, ...inside].join(".") };
}
