import type { Json } from "../../core/json.ts";
import { ExpectedError } from "../../core/problem.ts";
import { acceptOld, checkAccepted } from "../../pipeline/accept.ts";
import type { Executor } from "../../pipeline/executor.ts";
import type { EventSubscriber } from "../../pipeline/events.ts";
import type { PlannedInstance } from "../../pipeline/plan.ts";
import { type RunContext, runPlan, type RunResult } from "../../pipeline/run.ts";
import type { Store } from "../../pipeline/store/store.ts";
import type { StoreShare } from "../../pipeline/store/store_share.ts";
import { thisHost } from "../host.ts";
import { INTERRUPTED, type Interrupts, listenForInterrupts } from "../interrupts.ts";
import { ARTIFACT_TYPES, chosenExecutor, type ExecutorOptions } from "../local_workers.ts";
import {
  noticeOutput,
  printJson,
  printNotice,
  printVerbatim,
  systemClock,
  wantsColour,
} from "../output.ts";
import { publishReports } from "../publish_reports.ts";
import { openSession, type RecipeOptions, type Session } from "../session.ts";

/** Options of `reproduce` and `run`. */
export interface ReproduceOptions extends RecipeOptions, ExecutorOptions {
  readonly accept?: readonly string[];
  /** Where results are looked for before they are made. */
  readonly fromCache?: string;
  readonly offline?: boolean;
  readonly progress: "auto" | "terminal" | "plain" | "ndjson" | "none";
  readonly json: boolean;
}

/** What a run of a session came to. */
export interface SessionRun {
  readonly planned: readonly PlannedInstance[];
  readonly result: RunResult;
}

/** Runs a recipe, publishes its reports and prints its table; returns the exit code. */
export async function reproduce(options: ReproduceOptions): Promise<number> {
  const session = await openSession(options);
  return await runSession(session, options, async ({ planned, result }) => {
    const reports = await publishReports(result, {
      context: session.context,
      instances: session.instances,
      planned,
      command: ["deno", "task", "ballast", ...Deno.args],
    });
    if (options.json) return printJson(summary(session, result, reports));
    for (const { table } of reports) printVerbatim(table);
    for (const { page, notice } of reports) {
      printNotice(`Report: ${page}`);
      if (notice !== null) printNotice(notice);
    }
  });
}

/**
 * Runs what a session has selected, and keeps the catalog up to date.
 *
 * @param tell is called with what the run came to, before others may remove anything from the store
 * @returns the exit code
 */
export async function runSession(
  session: Session,
  options: ReproduceOptions,
  tell: (run: SessionRun) => Promise<void>,
): Promise<number> {
  session.warnings.forEach((warning) => printNotice(`warning: ${warning}`));
  const { store } = session.context;
  const accept = options.accept ?? [];
  const executor = await chosenExecutor(options);
  if (accept.length > 0) checkAccepted(await session.plan(), accept); // before anything is written
  using share = await store.share();
  if (options.fromCache !== undefined) {
    const { pullPlanned } = await import("../cache/pull_planned.ts");
    await pullPlanned(session, { cache: options.fromCache, offline: options.offline ?? false });
  }
  using interrupts = listenForInterrupts();
  const planned = await acceptOld(session.plan, {
    names: accept,
    context: session.context,
    now: Date.now,
  });
  const result = await runPlan(
    planned,
    await runContext(session, planned, options, { executor, interrupts, share }),
  );
  await session.remember();
  if (result.ran.length > 0 || result.failed.length > 0) await indexRun(store);
  await tell({ planned, result });
  if (result.status === "interrupted") return INTERRUPTED;
  return result.status === "done" ? 0 : 1;
}

/** The catalog is an index, which the next query brings up to date: no reason to call a run failed. */
async function indexRun(store: Store): Promise<void> {
  const { updateCatalog } = await import("../../pipeline/store/catalog.ts");
  try {
    await updateCatalog(store);
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    printNotice(`warning: ${error.message}`);
  }
}

async function runContext(
  session: Session,
  planned: readonly PlannedInstance[],
  options: ReproduceOptions,
  { executor, interrupts, share }: {
    readonly executor: Executor;
    readonly interrupts: Interrupts;
    readonly share: StoreShare;
  },
): Promise<RunContext> {
  const host = thisHost();
  return {
    ...session.context,
    machine: executor.machine ?? session.context.machine,
    executor,
    share,
    artifactTypes: ARTIFACT_TYPES,
    subscribers: await subscribers(options),
    header: {
      recipe: session.source.recipe.recipe,
      parameters: Object.fromEntries(
        planned.map(({ instance }) => [instance.id, instance.params]),
      ) as Json,
      command: Deno.args,
      set: options.set,
      sweep: options.sweep ?? [],
      recipeFiles: session.recipeFiles,
      startedAt: new Date().toISOString(),
      host,
    },
    host,
    runnable: session.selected.runnable,
    stop: interrupts.stop,
    kill: interrupts.kill,
    now: Date.now,
  };
}

async function subscribers(options: ReproduceOptions): Promise<EventSubscriber[]> {
  const style = options.progress === "auto"
    ? Deno.stderr.isTerminal() ? "terminal" : "plain"
    : options.progress;
  const output = { writer: noticeOutput, color: wantsColour() };
  switch (style) {
    case "terminal": {
      const { TerminalReporter } = await import("../../pipeline/reporters/terminal.ts");
      return [new TerminalReporter({ ...output, clock: systemClock })];
    }
    case "plain": {
      const { PlainReporter } = await import("../../pipeline/reporters/plain.ts");
      return [new PlainReporter(output)];
    }
    case "ndjson": {
      const { NdjsonReporter } = await import("../../pipeline/reporters/ndjson.ts");
      return [new NdjsonReporter(noticeOutput)];
    }
    case "none":
      return [];
  }
}

function summary(
  session: Session,
  result: RunResult,
  reports: Awaited<ReturnType<typeof publishReports>>,
) {
  const { run, status, ran, cached, failed, seconds, records } = result;
  return {
    recipe: session.source.recipe.recipe,
    run,
    status,
    seconds,
    ran,
    cached,
    failed,
    stages: [...records].map(([id, { key, outputs }]) => ({ id, key, outputs })),
    reports: reports.map(({ instance, page }) => ({ instance, page })),
  };
}
