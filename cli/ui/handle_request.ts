import type { ArtifactType } from "../../pipeline/artifact.ts";
import { diffRuns, resolveRun } from "../../pipeline/diff.ts";
import { ExpectedError } from "../../core/problem.ts";
import type { Store } from "../../pipeline/store/store.ts";
import { publishedReports } from "../published_reports.ts";
import { diffPage } from "./diff_page.ts";
import type { EventStreams, Look } from "./event_streams.ts";
import { refuse } from "./guard.ts";
import { html } from "./html.ts";
import { ICON } from "./icon.ts";
import type { OneAtATime } from "./one_at_a_time.ts";
import { COMMON_HEADERS, HOME_LINK, pageResponse } from "./page.ts";
import { fileResponse, findReportFile } from "./report_files.ts";
import { runPage, runParts, type RunView } from "./run_page.ts";
import type { RunWatcher } from "./run_watch.ts";
import { MOST_RUNS, runsPage, runsParts, type StoreView } from "./runs_page.ts";
import { type CurveName, CURVES } from "./step_curve.ts";

/** What requests are answered from. */
export interface UiContext {
  readonly store: Store;
  readonly watcher: RunWatcher;
  readonly streams: EventStreams;
  /** Comparisons read whole artifacts. */
  readonly comparisons: OneAtATime;
  readonly artifactTypes: ReadonlyMap<string, ArtifactType>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told of failures that are nobody's mistake but ours. */
  readonly onFault: (error: unknown) => void;
}

/** Milliseconds for which a run that has ended is followed: its report appears in them. */
const AFTERWARDS = 30_000;

/** Something that is told as a page of its own. */
class Refused extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** Answers one request; every failure is an answer, too. */
export async function handleRequest(request: Request, context: UiContext): Promise<Response> {
  const refusal = refuse(request);
  if (refusal !== null) return plain(refusal);
  try {
    return await route(request, context);
  } catch (error) {
    if (error instanceof Refused) return errorPage(error.status, error.message);
    if (error instanceof ExpectedError) return errorPage(404, error.message);
    context.onFault(error);
    return errorPage(500, "This page failed; what went wrong stands where ballast ui was started.");
  }
}

async function route(request: Request, context: UiContext): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const [, run, events] = /^\/runs\/(\d{4,12})(\/events)?$/.exec(pathname) ?? [];
  if (run !== undefined) {
    const figure = figureOf(searchParams.get("figure"));
    const view = () => runView(context, { run, figure });
    if (events === undefined) return pageResponse(runPage(await view()));
    await view();
    return stream(request, { context, look: async () => lookAtRun(await view()) });
  }
  if (pathname === "/") return pageResponse(runsPage(await storeView(context)));
  if (pathname === "/events") {
    const look = async () => ({ parts: runsParts(await storeView(context)), over: false });
    return stream(request, { context, look });
  }
  if (pathname === "/diff") return await diff(searchParams, context);
  if (pathname.startsWith("/reports/")) return await report(pathname, context);
  if (pathname === "/icon.svg") {
    const headers = { ...COMMON_HEADERS, "content-type": "image/svg+xml" };
    return new Response(ICON, { headers });
  }
  throw new Refused(404, "There is no such page.");
}

async function storeView({ store, watcher }: UiContext): Promise<StoreView> {
  const { runs, total } = await watcher.list(MOST_RUNS);
  return { path: store.path, runs, total, reports: publishedReports(store) };
}

async function runView(
  { watcher, store, now }: UiContext,
  { run, figure }: { run: string; figure: CurveName },
): Promise<RunView> {
  const watched = await watcher.watch(run);
  if (watched === null) throw new Refused(404, `There is no run ${run}, or its record is damaged.`);
  const { recipe } = watched.record;
  const reports = publishedReports(store).map(({ name }) => name)
    .filter((name) => name === recipe || name.startsWith(`${recipe}/`));
  return { ...watched, figure, reports, earlier: await watcher.earlier(run, recipe), now: now() };
}

function lookAtRun(view: RunView): Look {
  const { status, state, now } = view;
  const over = status !== "running" && now - (state.outcome?.time ?? 0) > AFTERWARDS;
  return { parts: runParts(view), over };
}

function figureOf(name: string | null): CurveName {
  if (name === null) return "loss";
  if (Object.hasOwn(CURVES, name)) return name as CurveName;
  throw new Refused(400, `Expected one of ${Object.keys(CURVES).join(", ")} but found ${name}.`);
}

function stream(
  request: Request,
  { context: { streams }, look }: { context: UiContext; look: () => Promise<Look> },
): Response {
  const answer = streams.answer(request, look);
  if (answer !== null) return answer;
  const message = `Expected at most ${streams.options.most} pages that follow a run. Close some.`;
  return plain({ status: 503, message });
}

async function diff(asked: URLSearchParams, context: UiContext): Promise<Response> {
  const { store, watcher, artifactTypes: types } = context;
  const tolerance = Number(asked.get("tolerance") ?? "0");
  if (!Number.isFinite(tolerance) || tolerance < 0) {
    throw new Refused(
      400,
      `Expected a tolerance of at least 0 but found ${asked.get("tolerance")}.`,
    );
  }
  const runs = {
    before: resolveRun(store, asked.get("a") ?? "previous"),
    after: resolveRun(store, asked.get("b") ?? "latest"),
  };
  const curves = {
    before: await curvesOf(watcher, runs.before),
    after: await curvesOf(watcher, runs.after),
  };
  const comparison = context.comparisons.run(() => diffRuns(store, runs, { types, tolerance }));
  if (comparison === null) {
    throw new Refused(503, "Other comparisons are waiting already; ask again later.");
  }
  return pageResponse(diffPage({ difference: await comparison, tolerance, curves }));
}

async function curvesOf(watcher: RunWatcher, run: string) {
  const watched = await watcher.watch(run);
  if (watched === null) throw new Refused(404, `The record of run ${run} is damaged.`);
  return watched.state.curves;
}

async function report(pathname: string, { store }: UiContext): Promise<Response> {
  const found = await findReportFile(store.folder("reports"), pathname.slice("/reports/".length));
  if (found?.what === "file") return await fileResponse(found.path);
  if (found?.what === "folder") {
    const headers = { ...COMMON_HEADERS, location: `${pathname}/` };
    return new Response(null, { status: 308, headers });
  }
  throw new Refused(404, "There is no such file among the published reports.");
}

function errorPage(status: number, message: string): Response {
  const body = html`${HOME_LINK}<h1>Not to be shown</h1><p>${message}</p>`;
  return pageResponse({ title: "Not to be shown", body, status });
}

function plain({ status, message }: { status: number; message: string }): Response {
  return new Response(`${message}\n`, {
    status,
    headers: {
      ...COMMON_HEADERS,
      "content-type": "text/plain; charset=utf-8",
      ...status === 405 ? { allow: "GET" } : {},
      ...status === 503 ? { "retry-after": "5" } : {},
    },
  });
}
