import { InputError, nearest, type Problem } from "../core/problem.ts";

/** A row of the table and where its evaluations come from, as a recipe says it. */
export interface SystemSpec {
  readonly id: string;
  readonly label: string;
  /** The stage of its instances, with or without what follows the slash: `evaluate/dpo`. */
  readonly from: string;
  /** Axes that its instances must have besides. */
  readonly where?: Readonly<Record<string, string | number>>;
}

/** Something that an instance of a stage made. */
export interface FromInstance {
  /** The instance, such as `evaluate/dpo@seed=1`. */
  readonly from: string;
  readonly axes: Readonly<Record<string, string | number>>;
}

/** A system with what was made for it, by seed. */
export interface AssignedSystem<T extends FromInstance> {
  readonly spec: SystemSpec;
  /** One a seed; the key is null where the instance has no `seed` axis. */
  readonly bySeed: ReadonlyMap<number | null, T>;
}

/**
 * Gives each input to the system that asks for it.
 *
 * @throws InputError with every system without an input, every input that belongs to none, and every
 *   seed with two inputs for one system
 */
export function assignSystems<T extends FromInstance>(
  specs: readonly SystemSpec[],
  inputs: readonly T[],
): AssignedSystem<T>[] {
  const problems: Problem[] = [];
  const stages = inputs.map(({ from }) => baseOf(from));
  const assigned = specs.map((spec, i) => {
    const bySeed = new Map<number | null, T>();
    for (const input of inputs) {
      if (!matches(spec, input)) continue;
      const seed = seedOf(input);
      const other = bySeed.get(seed);
      if (other === undefined) bySeed.set(seed, input);
      else {
        const message = `Expected one input a seed but found "${other.from}" and "${input.from}".`;
        problems.push({ path: `systems[${i}].from`, message });
      }
    }
    if (bySeed.size === 0) {
      const message = `No input comes from "${spec.from}"${formatWhere(spec)}.`;
      problems.push({ path: `systems[${i}].from`, message, nearest: nearest(spec.from, stages) });
    }
    return { spec, bySeed };
  });
  for (const input of inputs) {
    if (specs.some((spec) => matches(spec, input))) continue;
    problems.push({ path: "evaluations", message: `No system takes "${input.from}".` });
  }
  if (problems.length > 0) throw new InputError(problems);
  return assigned;
}

/** What was made for a seed; what has no seed stands for all. */
export function ofSeed<T extends FromInstance>(
  { bySeed }: AssignedSystem<T>,
  seed: number,
): T | undefined {
  return bySeed.get(seed) ?? bySeed.get(null);
}

/** The `seed` axis of an instance, null where it has none. */
export function seedOf({ axes }: FromInstance): number | null {
  return typeof axes.seed === "number" ? axes.seed : null;
}

/** Axes without the seed, as one comparable text. */
export function axesKey({ axes }: FromInstance): string {
  const others = Object.entries(axes).filter(([name]) => name !== "seed");
  return JSON.stringify(others.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function matches({ from, where = {} }: SystemSpec, input: FromInstance): boolean {
  const base = baseOf(input.from);
  return (base === from || base.startsWith(`${from}/`)) &&
    Object.entries(where).every(([axis, value]) => input.axes[axis] === value);
}

/** `evaluate/dpo` of `evaluate/dpo@seed=1`. */
function baseOf(instance: string): string {
  return instance.split("@")[0];
}

function formatWhere({ where = {} }: SystemSpec): string {
  const axes = Object.entries(where).map(([axis, value]) => `${axis}=${value}`);
  return axes.length === 0 ? "" : ` with ${axes.join(", ")}`;
}
