import type { OutputRecord } from "./events.ts";
import type { Instance } from "./instance.ts";
import type { Prediction, Sizes } from "./prediction.ts";
import type { KeyRecord } from "./store/records.ts";
import type { Timings } from "./store/timings.ts";

/** Sizes of the outputs of instances, by id and port: facts or predictions. */
export type KnownSizes = ReadonlyMap<string, Readonly<Record<string, Sizes>>>;

/** What is foreseen of an instance, and on what grounds. */
export interface Forecast extends Prediction {
  /** Null when there is nothing to go by. */
  readonly seconds: number | null;
  /** Where the seconds come from, as a sentence without full stop. */
  readonly basis: string;
}

/** Where past timings are looked up. */
export interface ForecastContext {
  readonly recipe: string;
  readonly timings: Timings;
  /** Speeds measured on another machine are not this one's. */
  readonly machine: string;
}

/**
 * Foresees an instance from the sizes of what it reads.
 *
 * @param last the record of the last result it gave, under whatever key
 * @param record its result, if it has one: then the sizes of its outputs are facts
 */
export async function forecast(
  instance: Instance,
  sizes: KnownSizes,
  { last, record, ...context }: ForecastContext & {
    readonly last: KeyRecord | null;
    readonly record: KeyRecord | null;
  },
): Promise<Forecast> {
  const { params, stage } = instance;
  const inputs = inputSizes(instance.inputs, sizes);
  const about = { params, inputs, last: sizesOf(last?.outputs), isDone: record !== null };
  const predicted = await stage.predict?.(about) ?? {};
  const outputs = { ...predicted.outputs, ...sizesOf(record?.outputs) };
  const isUnknown = predicted.outputs === undefined || Object.values(inputs).flat().includes(null);
  return { ...predicted, outputs, ...secondsOf(instance, predicted, { ...context, isUnknown }) };
}

/** The sizes of what an instance reads, by port. */
export function inputSizes(
  inputs: Instance["inputs"],
  sizes: KnownSizes,
): Readonly<Record<string, readonly (Sizes | null)[]>> {
  return Object.fromEntries(
    Object.entries(inputs).map(([port, refs]) => [
      port,
      refs.map((ref) => sizes.get(ref.instance)?.[ref.port] ?? null),
    ]),
  );
}

/** The sizes that are recorded with outputs. */
export function sizesOf(
  outputs: Readonly<Record<string, OutputRecord>> = {},
): Readonly<Record<string, Sizes>> {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([port, { sizes }]) =>
      sizes === undefined ? [] : [[port, sizes]]
    ),
  );
}

function secondsOf(
  instance: Instance,
  { work, calls }: Prediction,
  { timings, recipe, machine, isUnknown }: ForecastContext & {
    /** Whether sizes are missing that its work may hang on. */
    readonly isUnknown: boolean;
  },
): Pick<Forecast, "seconds" | "basis"> {
  const { stage, params, id } = instance;
  const place = { recipe, instance: id };
  if (work !== undefined) {
    const { cores, gpus = 1 } = stage.resources(params);
    const [count, device] = work.on === "gpu" ? [gpus, "GPU"] : [cores, "core"];
    const past = timings.speed(work, { stage: stage.name, machine, ...place });
    const perSecond = past?.perSecond ?? (work.perSecond === null ? null : work.perSecond * count);
    if (perSecond === null) {
      return {
        seconds: null,
        basis: `no ${device}'s speed was measured here, and none is assumed`,
      };
    }
    const rate = `${perSecond.toPrecision(3)} ${work.unit}/s`;
    const basis = past === null
      ? `${rate}, assumed for ${count} ${count === 1 ? device : `${device}s`}`
      : `${rate}, measured here by ${past.instance}`;
    return { seconds: work.startSeconds + work.amount / perSecond, basis };
  }
  const past = timings.pastSeconds(stage.name, place);
  if (past !== null) return { seconds: past, basis: "what it took last" };
  const guess = stage.estimateSeconds?.(params);
  if (guess !== undefined) {
    const why = stage.predict === undefined || calls !== undefined || !isUnknown
      ? ""
      : ", since the sizes of what it reads are not known";
    return { seconds: guess, basis: `a guess${why}` };
  }
  return { seconds: null, basis: "nothing to go by" };
}
