import { entryOf } from "../../core/instance_id.ts";
import type { RunEvent } from "../events.ts";
import { EventFollower } from "./event_follower.ts";
import { Lease, type Leases } from "./lease.ts";
import type { LeaseHolder } from "./lease_file.ts";
import { readNames } from "./walk_sharded.ts";
import {
  parseObject,
  type RunHeader,
  type RunInstance,
  type RunOutcome,
  type RunRecord,
  STORE_FORMAT,
} from "./records.ts";
import {
  explainFailure,
  isDiskFull,
  makeFolder,
  naming,
  readTextIfThere,
  writeAllSync,
  writeAtomically,
} from "../../core/write_atomically.ts";

/** The run records and their events: `runs/0001.json` and `runs/0001.events.ndjson`. */
export class RunLog {
  /**
   * @param folder `runs/`
   * @param temporary a folder on the same file system for files in the making
   * @param leases where runs that go on say so
   */
  constructor(
    readonly folder: string,
    readonly temporary: string,
    private readonly leases: Leases,
  ) {}

  /** Ids of all runs, oldest first. */
  list(): string[] {
    const ids = readNames(this.folder)
      .flatMap((name) => /^([0-9]{4,})\.json$/.exec(name)?.[1] ?? []);
    return ids.sort((a, b) => Number(a) - Number(b));
  }

  /** The record of a run, or `null` when there is none or its file is damaged. */
  read(run: string): RunRecord | null {
    const record = this.record(run);
    if (record?.status !== "running") return record;
    return { ...record, instances: instancesOf(this.events(run)) };
  }

  /** The same as it was written: of a run that goes on, without what became of its instances. */
  record(run: string): RunRecord | null {
    if (!/^[0-9]{4,}$/.test(run)) return null;
    const value = parseObject(readTextIfThere(this.recordPath(run)));
    if (value === null || value.run !== run || typeof value.recipe !== "string") return null;
    const { format: _, ...record } = value as unknown as RunRecord & { format: number };
    return record;
  }

  /** The process in which a run goes on; null for one that has ended or was killed. */
  async holder(run: string): Promise<LeaseHolder | null> {
    return await this.leases.holder(leaseName(run));
  }

  /** The runs that go on, and in which processes. */
  async living(): Promise<({ readonly run: string } & LeaseHolder)[]> {
    const open = this.list().filter((run) => this.record(run)?.status === "running");
    const holders = await Promise.all(open.map((run) => this.holder(run)));
    return open.flatMap((run, i) => holders[i] === null ? [] : [{ run, ...holders[i] }]);
  }

  /** Where the record of a run lies. */
  recordPath(run: string): string {
    return `${this.folder}/${run}.json`;
  }

  /** Reads the events of a run while it is written. */
  follow(run: string): EventFollower {
    return new EventFollower(this.#eventsPath(run));
  }

  /** The events of a run; a line that a kill cut short is left out. */
  events(run: string): RunEvent[] {
    const text = readTextIfThere(this.#eventsPath(run)) ?? "";
    return text.split("\n").map(parseObject).filter((event) =>
      event !== null
    ) as unknown as RunEvent[];
  }

  /** Begins the next run, under an id that no other process can get: the file of events claims it. */
  async start(header: RunHeader): Promise<ActiveRun> {
    const [run, events] = await naming(this.folder, () => this.#claim());
    const path = this.recordPath(run);
    const open = { status: "running", finishedAt: null, seconds: null, instances: [] } as const;
    const record: RunRecord = { run, pid: Deno.pid, ...header, ...open };
    try {
      const lease = await this.leases.take(leaseName(run), Date.parse(header.startedAt) || 0);
      if (!(lease instanceof Lease)) throw new TypeError(`Expected run ${run} to be new.`);
      const spare = `${this.temporary}/run-${run}.spare`;
      const active = new ActiveRun(record, { events, lease }, {
        ...{ path, spare, temporary: this.temporary },
      });
      const text = formatRun(record);
      await writeAtomically(path, text, this.temporary);
      await naming(spare, () => Deno.writeFile(spare, new Uint8Array(text.length + SPARE_BYTES)));
      return active;
    } catch (error) {
      events.close();
      throw error;
    }
  }

  async #claim(): Promise<[run: string, events: Deno.FsFile]> {
    await makeFolder(this.folder);
    for (let number = Number(this.list().at(-1) ?? 0) + 1;; number++) {
      const run = String(number).padStart(4, "0");
      try {
        const events = await Deno.open(this.#eventsPath(run), { append: true, createNew: true });
        return [run, events];
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
  }

  #eventsPath(run: string): string {
    return `${this.folder}/${run}.events.ndjson`;
  }
}

/** Room for a run's last events, and for how its instances ended. */
const SPARE_BYTES = 64 << 10;

/**
 * A run that is being written. While it goes on it keeps a file of no content: stages may fill the disk, and
 * then its room is what the run's end is written in.
 */
export class ActiveRun implements Disposable {
  readonly id: string;
  #events: Deno.FsFile | null;
  readonly #lease: Lease;

  /** @param places `path` of the record, the file that keeps room, and a folder for files in the making */
  constructor(
    readonly record: RunRecord,
    { events, lease }: { events: Deno.FsFile; lease: Lease },
    readonly places: { path: string; spare: string; temporary: string },
  ) {
    this.id = record.run;
    this.#events = events;
    this.#lease = lease;
  }

  /** Adds an event, in order; one `write` a line, so that a kill cuts at most the last. */
  append(event: RunEvent): void {
    if (this.#events === null) throw new TypeError(`Expected run ${this.id} to be open.`);
    const line = `${JSON.stringify(event)}\n`;
    try {
      this.#write(line);
    } catch (error) {
      if (!isDiskFull(error) || !this.#giveRoom()) throw explainFailure(error, this.places.path);
      this.#write(`\n${line}`); // a part of the line may be there
    }
  }

  #write(text: string): void {
    writeAllSync(this.#events!, new TextEncoder().encode(text));
  }

  /** Gives up the room that was kept; false when there is none. What cannot be removed, a later run sweeps. */
  #giveRoom(): boolean {
    try {
      Deno.removeSync(this.places.spare);
      return true;
    } catch {
      return false;
    }
  }

  /** Writes how the run ended and closes its events; nothing may be appended after it. */
  async finish(outcome: RunOutcome): Promise<void> {
    this.#events?.close();
    this.#events = null;
    const { path, temporary } = this.places;
    this.#giveRoom();
    await writeAtomically(path, formatRun({ ...this.record, ...outcome }), temporary);
    this.#lease.release();
  }

  /** Lets go of it as a kill does: without `finish`, nobody knows how it ended. */
  [Symbol.dispose](): void {
    this.#events?.close();
    this.#events = null;
    this.#giveRoom();
    this.#lease.release();
  }
}

function leaseName(run: string): string {
  return `run-${run}`;
}

function formatRun(record: RunRecord): string {
  return `${JSON.stringify({ format: STORE_FORMAT, ...record }, null, 2)}\n`;
}

/** What became of each instance, as far as the events of a killed run tell. */
function instancesOf(events: readonly RunEvent[]): RunInstance[] {
  const instances = new Map<string, RunInstance>();
  for (const event of events) {
    if (!isOutcome(event)) continue;
    instances.set(event.id, {
      id: event.id,
      stage: entryOf(event.id),
      key: event.key === "" ? null : event.key,
      state: STATES[event.type],
      seconds: event.type === "stage-cached" ? null : event.seconds,
    });
  }
  return [...instances.values()];
}

type OutcomeEvent = Extract<RunEvent, { type: keyof typeof STATES }>;

function isOutcome(event: RunEvent): event is OutcomeEvent {
  return event.type in STATES;
}

const STATES = {
  "stage-cached": "cached",
  "stage-finished": "ran",
  "stage-failed": "failed",
} as const;
