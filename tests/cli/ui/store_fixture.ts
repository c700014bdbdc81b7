import { sha256 } from "../../../core/digest.ts";
import type { RunEvent } from "../../../pipeline/events.ts";
import type { RunInstance } from "../../../pipeline/store/records.ts";
import type { ActiveRun } from "../../../pipeline/store/run_log.ts";
import type { Store } from "../../../pipeline/store/store.ts";
import { commitFiles, HOST, keyRecord } from "../../pipeline/store/fixture.ts";

type WithoutTime<T> = T extends unknown ? Omit<T, "time"> : never;

/** Begins a run in a store, with its stages and parameters. */
export async function beginRun(
  store: Store,
  { recipe = "tiny", parameters = {}, startedAt = "2026-01-02T03:04:05.000Z" }: {
    recipe?: string;
    parameters?: Record<string, Record<string, number | string>>;
    startedAt?: string;
  } = {},
): Promise<ActiveRun> {
  const header = { recipe, parameters, command: ["reproduce"], startedAt, host: HOST };
  const run = await store.startRun(header);
  const todo = Object.keys(parameters).length;
  tell(run, { type: "run-started", run: run.id, recipe, cached: 0, todo, estimateSeconds: 60 });
  return run;
}

/** Appends an event as of now. */
export function tell(run: ActiveRun, event: WithoutTime<RunEvent>): void {
  run.append({ time: Date.now(), ...event } as RunEvent);
}

/** Begins a stage. */
export function startStage(run: ActiveRun, id: string): void {
  tell(run, { type: "stage-started", id, key: "", pid: 1, resumed: false, reasons: [] });
}

/** A training's steps from the first to the last, each with figures that are all of the step's number. */
export function takeSteps(run: ActiveRun, id: string, { to, loss }: { to: number; loss: number }) {
  for (let step = 1; step <= to; step++) {
    const figures = { step, loss: loss / step, chosenLogp: -step, margin: step / 10, lr: 1 };
    tell(run, { type: "stage-step", id, figures });
    const progress = { done: step, total: 2 * to, unit: "steps", note: `loss ${loss / step}` };
    tell(run, { type: "stage-progress", id, progress });
  }
}

/** Ends a run whose stages all ran: each by its key, with one output by its digest. */
export async function finishRun(
  run: ActiveRun,
  results: Readonly<Record<string, { key: string; digest: string }>>,
): Promise<void> {
  const instances = Object.entries(results).map(([id, { key, digest }]): RunInstance => {
    const outputs = { out: { type: "pairs", digest, bytes: 1 } };
    tell(run, { type: "stage-finished", id, key, seconds: 2, peakMemoryBytes: null, outputs });
    return { id, stage: id.split("/")[0], key, state: "ran", seconds: 2 };
  });
  const counts = { ran: instances.length, cached: 0, failed: 0 };
  tell(run, { type: "run-finished", run: run.id, status: "done", ...counts, seconds: 4 });
  await run.finish({ status: "done", finishedAt: "", seconds: 4, instances });
}

/** Two runs with a text wherever a stranger's may be: names, log, error, note, parameters, contents. */
export async function fillWith(store: Store, text: string): Promise<void> {
  const id = `train/${text.toWellFormed()}@seed=1`; // the store takes no other names
  const keys: string[] = [];
  for (const content of [text, `${text} changed`]) {
    const key = sha256(`key ${keys.push("")}`);
    const digest = await commitFiles(store, `object ${keys.length}`, { text: content });
    const fields = { params: { [text]: content } };
    await store.commitKey(keyRecord(id, digest, { key, fields }));
    const parameters = { [id]: { [text]: content } };
    const run = await beginRun(store, { recipe: text, parameters, startedAt: text });
    startStage(run, id);
    takeSteps(run, id, { to: 3, loss: 1 });
    tell(run, { type: "stage-log", id, level: "warning", message: text });
    const progress = { done: 1, total: 2, unit: text, note: text };
    startStage(run, `${id} other`);
    tell(run, { type: "stage-progress", id: `${id} other`, progress });
    tell(run, { type: "stage-failed", id: `${id} failing`, key: "", seconds: 1, error: text });
    tell(run, { type: "stage-skipped", id: `${id} late`, because: text });
    if (keys.length === 1) await finishRun(run, { [id]: { key, digest } });
    else {
      const instances: RunInstance[] = [{ id, stage: "train", key, state: "ran", seconds: 1 }];
      await run.finish({ status: "failed", finishedAt: text, seconds: 1, instances });
    }
  }
}
