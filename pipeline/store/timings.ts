import { entryOf } from "../instance.ts";
import type { Work } from "../prediction.ts";
import type { KeyRecord } from "./records.ts";
import { parseObject } from "./records.ts";
import { withFileLock } from "./store_lock.ts";
import { isMissing, readTextIfThere, writeAtomically } from "../../core/write_atomically.ts";

/** A stage's speed at some work, and which instance showed it last. */
export interface Speed {
  readonly perSecond: number;
  readonly instance: string;
}

/** A speed as it is kept. */
interface KeptSpeed extends Speed {
  readonly machine: string;
  readonly recipe: string;
  readonly stage: string;
  readonly unit: string;
  /** What worked. Earlier versions did not say; what they kept may be a GPU's, and is left out. */
  readonly on: NonNullable<Work["on"]> | "cpu";
  readonly like: string;
  readonly scale: number;
}

/** What the file holds. */
interface KeptTimings {
  /** Seconds by a stage's name, the newest last. */
  readonly stages: Readonly<Record<string, number>>;
  /** Seconds by recipe and instance, the newest last. */
  readonly instances: Readonly<Record<string, number>>;
  readonly speeds: readonly KeptSpeed[];
}

/** Whose speed is asked for. */
export interface SpeedPlace {
  readonly stage: string;
  readonly recipe: string;
  readonly instance: string;
  readonly machine: string;
}

/** A speed at another scale than this factor says little: small models are slower in operations. */
const NEAR = 8;

/** The shortest part of the time that is taken for work: the guess of what starting takes may be off. */
const LEAST_WORK = 0.25;

/** How long stages last took and how fast they were, in one small file: estimates need no database. */
export class Timings {
  /** What the file held when it had this size and time: a plan asks once an instance. */
  #read: { readonly stamp: string; readonly timings: KeptTimings } | null = null;

  /** @param path `timings.json`  @param temporary a folder on the same file system */
  constructor(readonly path: string, readonly temporary: string) {}

  /** Seconds that an instance of a recipe last took, else those of the stage's last instance, else `null`. */
  pastSeconds(stage: string, place?: { recipe: string; instance: string }): number | null {
    const { stages, instances } = this.#kept();
    const own = place && instances[`${place.recipe}: ${place.instance}`];
    return own ?? stages[stage] ?? null;
  }

  /**
   * The speed measured on this machine, on a device of the same kind, that is most like some work: of the
   * instance itself, of another one of its entry, of its stage at the same kind of work, of its stage, of any
   * stage at that kind of work, of any stage; among equals at the nearest scale.
   */
  speed(work: Pick<Work, "unit" | "on" | "like" | "scale">, place: SpeedPlace): Speed | null {
    const { machine, stage, recipe, instance } = place;
    const distance = ({ scale }: KeptSpeed) => Math.abs(Math.log(scale / work.scale));
    const rank = (one: KeptSpeed) => {
      const isLike = one.like === work.like;
      if (one.stage !== stage) return isLike ? 4 : 5;
      if (!isLike) return 3;
      if (one.recipe !== recipe || entryOf(one.instance) !== entryOf(instance)) return 2;
      return one.instance === instance ? 0 : 1;
    };
    const [best] = this.#kept().speeds
      .filter((one) =>
        one.machine === machine && one.unit === work.unit && one.on === deviceOf(work)
      )
      .filter((one) => distance(one) <= Math.log(NEAR))
      .sort((a, b) => rank(a) - rank(b) || distance(a) - distance(b));
    return best ?? null;
  }

  /**
   * Remembers what a finished instance took.
   * @param machine where it ran; without one no speed is learned
   */
  async note(
    record: Pick<KeyRecord, "recipe" | "instance" | "stage" | "seconds" | "work">,
    machine?: string,
  ): Promise<void> {
    await withFileLock(`${this.path}.lock`, () => this.#note(record, machine));
  }

  async #note(
    record: Pick<KeyRecord, "recipe" | "instance" | "stage" | "seconds" | "work">,
    machine?: string,
  ): Promise<void> {
    const { stages, instances, speeds } = this.#kept();
    const { recipe, instance, stage, seconds, work } = record;
    const kept = work === undefined || machine === undefined || seconds <= 0
      ? speeds
      : withSpeed(speeds, { machine, recipe, instance, stage, ...speedOf(work, seconds) });
    const text = JSON.stringify({
      stages: withSeconds(stages, stage, seconds),
      instances: withSeconds(instances, `${recipe}: ${instance}`, seconds),
      speeds: kept,
    });
    await writeAtomically(this.path, `${text}\n`, this.temporary);
  }

  #kept(): KeptTimings {
    const stamp = stampOf(this.path);
    if (this.#read?.stamp === stamp) return this.#read.timings;
    const value = parseObject(readTextIfThere(this.path));
    const timings = {
      stages: secondsOf(value?.stages),
      instances: secondsOf(value?.instances),
      speeds: speedsOf(value?.speeds),
    };
    this.#read = { stamp, timings };
    return timings;
  }
}

function speedOf(work: Work, seconds: number) {
  const { amount, unit, like, scale, startSeconds } = work;
  const working = Math.max(seconds - startSeconds, seconds * LEAST_WORK);
  return { perSecond: amount / working, unit, on: deviceOf(work), like, scale };
}

/** What does some work, as the file says it. */
function deviceOf({ on }: Pick<Work, "on">): KeptSpeed["on"] {
  return on ?? "cpu";
}

/** One speed an instance and kind of work; the newest last. */
function withSpeed(speeds: readonly KeptSpeed[], added: KeptSpeed): KeptSpeed[] {
  const sameAs = (one: KeptSpeed) =>
    one.machine === added.machine && one.recipe === added.recipe &&
    one.instance === added.instance && one.like === added.like && one.unit === added.unit &&
    one.on === added.on;
  return [added, ...speeds.filter((one) => !sameAs(one))].slice(0, KEPT);
}

/** Speeds that are kept, from the newest back. */
const KEPT = 300;

/** Instances and stages whose seconds are kept: the file is written whenever a stage ends. */
const KEPT_SECONDS = 2000;

function withSeconds(
  known: Readonly<Record<string, number>>,
  name: string,
  seconds: number,
): Record<string, number> {
  const { [name]: _, ...others } = known;
  return Object.fromEntries([...Object.entries(others).slice(1 - KEPT_SECONDS), [name, seconds]]);
}

/** Tells one version of a file from another: each is written whole under a new inode. */
function stampOf(path: string): string {
  try {
    const { ino, size, mtime, ctime } = Deno.statSync(path);
    return `${ino} ${size} ${mtime?.getTime()} ${ctime?.getTime()}`;
  } catch (error) {
    if (isMissing(error)) return "";
    throw error;
  }
}

function speedsOf(value: unknown): KeptSpeed[] {
  if (!Array.isArray(value)) return [];
  return value.filter((one) => one?.perSecond > 0 && one.scale > 0 && one.on !== undefined);
}

function secondsOf(value: unknown): Record<string, number> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, item]) => typeof item === "number"));
}
