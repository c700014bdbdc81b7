import { z } from "../../core/zod.ts";
import type { RunEvent } from "../../pipeline/events.ts";
import type { RunRecord } from "../../pipeline/store/records.ts";

/**
 * What the pages read of a store: its files may come from strangers, so they are checked before they are
 * used. What does not have these forms is passed over.
 */
const time = z.number();
const id = z.string();
const seconds = z.number();

/** An event of a run, as far as pages show it. */
export const seenEvent = z.discriminatedUnion("type", [
  z.object({
    time,
    type: z.literal("run-started"),
    cached: z.number(),
    todo: z.number(),
    estimateSeconds: z.number().nullable(),
  }),
  z.object({ time, type: z.literal("stage-cached"), id }),
  z.object({
    time,
    type: z.literal("stage-waiting"),
    id,
    pid: z.number().nullable(),
    host: z.string().nullable(),
  }),
  z.object({ time, type: z.literal("stage-started"), id }),
  z.object({
    time,
    type: z.literal("stage-progress"),
    id,
    progress: z.object({
      done: z.number(),
      total: z.number(),
      unit: z.string(),
      note: z.string().optional(),
    }),
  }),
  z.object({
    time,
    type: z.literal("stage-step"),
    id,
    figures: z.record(z.string(), z.number().nullable()),
  }),
  z.object({
    time,
    type: z.literal("stage-log"),
    id,
    level: z.enum(["info", "warning"]),
    message: z.string(),
  }),
  z.object({ time, type: z.literal("stage-finished"), id, seconds }),
  z.object({ time, type: z.literal("stage-failed"), id, seconds, error: z.string() }),
  z.object({ time, type: z.literal("stage-skipped"), id, because: z.string() }),
  z.object({
    time,
    type: z.literal("run-finished"),
    status: z.enum(["done", "failed", "interrupted"]),
    seconds,
  }),
]);

/** An event of a run, as far as pages show it. */
export type SeenEvent = z.infer<typeof seenEvent>;

/** A run's record, as far as pages show it. */
export const seenRecord = z.object({
  run: z.string(),
  recipe: z.string(),
  status: z.enum(["running", "done", "failed", "interrupted"]),
  pid: z.number(),
  startedAt: z.string(),
  seconds: z.number().nullable(),
  command: z.array(z.string()),
  parameters: z.unknown(),
  host: z.object({ isa: z.string(), os: z.string(), deno: z.string() }),
  instances: z.array(z.object({
    id,
    state: z.enum(["cached", "ran", "failed", "skipped"]),
    seconds: z.number().nullable(),
  })),
});

/** A run's record, as far as pages show it. */
export type SeenRecord = z.infer<typeof seenRecord>;

/** The compiler sees that what is written now is what is read. */
type Reads<Written extends Read, Read> = Written;
export type WrittenEvents = Reads<RunEvent, SeenEvent>;
export type WrittenRecords = Reads<RunRecord, SeenRecordInput>;
type SeenRecordInput = {
  readonly [K in Exclude<keyof SeenRecord, "parameters">]: Readonly<SeenRecord[K]>;
};
