import { join } from "node:path";
import type { Store } from "../../pipeline/store/store.ts";
import { StoreLock } from "../../pipeline/store/store_lock.ts";
import { RunState } from "./run_state.ts";
import { seenEvent, type SeenRecord, seenRecord } from "./seen.ts";

/** How a run stands: as its record says, or `killed` where it goes on under no process. */
export type RunStatus = SeenRecord["status"] | "killed";

/** A run that is followed through the store's files, without writing anything or keeping anyone out. */
export interface WatchedRun {
  readonly record: SeenRecord;
  readonly status: RunStatus;
  readonly state: RunState;
}

/** A run in the list of runs. */
export interface RunSummary extends Pick<SeenRecord, "run" | "recipe" | "startedAt" | "seconds"> {
  readonly status: RunStatus;
  readonly ran: number;
  readonly cached: number;
  readonly failed: number;
}

/** Runs whose events are kept folded, and summaries kept, at most. */
const KEPT = { watches: 16, summaries: 400 } as const;

/** The runs of a store, each read once as far as it has been written. */
export class RunWatcher {
  #watches = new Map<string, Watch>();
  #summaries = new Map<string, { readonly written: string; readonly summary: RunSummary }>();

  constructor(readonly store: Store) {}

  /** A run as it is now; null for none, or one whose record is damaged. */
  async watch(run: string): Promise<WatchedRun | null> {
    const record = this.#record(run);
    if (record === null) return null;
    const id = `${run} ${record.startedAt}`; // a store that was made anew begins with 0001 again
    const watch = this.#watches.get(id) ?? new Watch(this.store, record);
    keepNewest(this.#watches, { id, value: watch, most: KEPT.watches });
    await watch.refresh();
    if (record.status !== "running") watch.state.complete(record);
    const { state } = watch;
    return { record, status: state.outcome?.status ?? await this.#status(record), state };
  }

  /**
   * The newest runs, newest first, and how many there are in all.
   *
   * @param most how many to give
   */
  async list(most: number): Promise<{ runs: RunSummary[]; total: number }> {
    const ids = this.store.listRuns();
    const runs: RunSummary[] = [];
    for (const run of ids.slice(-most).reverse()) {
      const summary = await this.#summary(run);
      if (summary !== null) runs.push(summary);
    }
    return { runs, total: ids.length };
  }

  /** The newest run of a recipe before another run, among the last hundred; null for none. */
  async earlier(run: string, recipe: string): Promise<string | null> {
    const before = this.store.listRuns().filter((id) => Number(id) < Number(run)).slice(-100);
    for (const id of before.reverse()) {
      if ((await this.#summary(id))?.recipe === recipe) return id;
    }
    return null;
  }

  async #summary(run: string): Promise<RunSummary | null> {
    const written = lastWritten(this.store.runs.recordPath(run));
    const kept = this.#summaries.get(run);
    if (kept?.written === written) return kept.summary;
    const watched = await this.#counted(run);
    if (watched === null) return null;
    const { record, status, ...counts } = watched;
    const { recipe, startedAt, seconds } = record;
    const summary = { run, recipe, startedAt, seconds, status, ...counts };
    if (status !== "running") {
      const value = { written, summary };
      keepNewest(this.#summaries, { id: run, value, most: KEPT.summaries });
    }
    return summary;
  }

  /** A record's counts, from the events only where it holds none yet. */
  async #counted(run: string) {
    const record = this.#record(run);
    if (record === null) return null;
    if (record.status !== "running") {
      const count = (state: string) => record.instances.filter((one) => one.state === state).length;
      const counts = { ran: count("ran"), cached: count("cached"), failed: count("failed") };
      return { record, status: record.status as RunStatus, ...counts };
    }
    const watched = await this.watch(run);
    if (watched === null) return null;
    const { state, status } = watched;
    const [ran, cached, failed] = (["ran", "cached", "failed"] as const).map((standing) =>
      state.count(standing)
    );
    return { record: watched.record, status, ran, cached, failed };
  }

  #record(run: string): SeenRecord | null {
    return seenRecord.safeParse(this.store.runs.record(run)).data ?? null;
  }

  /**
   * One run at a time changes a store, under its lock, which the system frees when a process dies: a run
   * that goes on has the lock. It writes how it ended before it lets go, so that is looked at once more.
   */
  async #status({ run, status, pid }: SeenRecord): Promise<RunStatus> {
    if (status !== "running") return status;
    if (this.store.listRuns().at(-1) !== run) return "killed";
    const holder = await StoreLock.holder(join(this.store.path, "lock"));
    if (holder !== null && (holder.pid ?? pid) === pid) return status;
    const ended = this.#record(run)?.status;
    return ended === undefined || ended === "running" ? "killed" : ended;
  }
}

class Watch {
  readonly state: RunState;
  #follower: ReturnType<Store["runs"]["follow"]>;
  #refreshing: Promise<void> | null = null;

  constructor(store: Store, { run, parameters }: SeenRecord) {
    this.#follower = store.runs.follow(run);
    const planned = typeof parameters === "object" && parameters !== null ? parameters : {};
    this.state = new RunState(Object.keys(planned));
  }

  /** Reads what was added; calls at the same time share one reading. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#follower.read((line) => {
      const event = seenEvent.safeParse(line).data;
      if (event !== undefined) this.state.receive(event);
    }).finally(() => this.#refreshing = null);
    return this.#refreshing;
  }
}

/** Puts a value in as the newest and drops the oldest ones beyond `most`. */
function keepNewest<T>(
  kept: Map<string, T>,
  { id, value, most }: { id: string; value: T; most: number },
): void {
  kept.delete(id);
  kept.set(id, value);
  for (const oldest of kept.keys()) {
    if (kept.size <= most) return;
    kept.delete(oldest);
  }
}

function lastWritten(path: string): string {
  try {
    const { mtime, size } = Deno.statSync(path);
    return `${mtime?.getTime()} ${size}`;
  } catch {
    return "";
  }
}
