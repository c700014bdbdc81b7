import { nearest, type Problem } from "../core/problem.ts";
import type { Axes, OutputRef } from "./instance.ts";
import type { Recipe, RecipeSource, StageEntry, Wire } from "./recipe.ts";
import type { InputPort, Stage } from "./stage.ts";

/** An instance before its inputs are known. */
export interface Unwired {
  readonly id: string;
  readonly entry: string;
  readonly stage: Stage;
  readonly axes: Axes;
}

/** All that wiring needs to know of a recipe. */
export interface WiringContext {
  readonly source: RecipeSource;
  readonly entries: Readonly<Record<string, StageEntry>>;
  readonly stageOf: ReadonlyMap<string, Stage>;
  readonly instancesOf: ReadonlyMap<string, readonly Unwired[]>;
}

/**
 * Resolves one instance's inputs. An input takes, of the stage entry it names, the instances that
 * agree with the reader on every axis that both have, but for axes that its `where` speaks of: exactly
 * one for a plain port, all for a `many` port.
 */
export function wireInputs(
  instance: Unwired,
  context: WiringContext,
  problems: Problem[],
): Record<string, readonly OutputRef[]> {
  const wires = context.entries[instance.entry].inputs ?? {};
  const wired: Record<string, readonly OutputRef[]> = {};
  for (const [name, port] of Object.entries(instance.stage.inputs)) {
    const given = own(wires, name);
    if (given === undefined) {
      wired[name] = [];
      continue;
    }
    const list = Array.isArray(given) ? given : [given];
    const place: Place = { instance, name, port, context, problems };
    const found = list.map((wire) => resolveWire(wire, place));
    const refs = found.flat();
    const empty = list.find((_, index) => found[index].length === 0);
    if (empty !== undefined) problems.push(nothingToRead(place, empty));
    else if (!port.many && refs.length !== 1) problems.push(tooMany(place, refs));
    wired[name] = refs;
  }
  return wired;
}

/** Checks the names, types and narrowing of an entry's wires, once for all its instances. */
export function checkWires(entry: string, context: WiringContext): Problem[] {
  const stage = context.stageOf.get(entry);
  if (stage === undefined) return [];
  const wires = context.entries[entry].inputs ?? {};
  const at = (port: string) => context.source.locate(["stages", entry, "inputs", port]);
  const problems: Problem[] = [];
  for (const [name, given] of Object.entries(wires)) {
    const port = own(stage.inputs, name);
    if (port === undefined) {
      const known = Object.keys(stage.inputs);
      problems.push({
        path: at(name),
        message: `Stage ${stage.name} has no such input; expected one of ${list(known)}.`,
        nearest: nearest(name, known),
      });
      continue;
    }
    for (const wire of Array.isArray(given) ? given : [given]) {
      const found = outputOf(wire, port, name, context);
      if (typeof found !== "string") problems.push({ path: at(name), ...found });
      else problems.push(...whereProblems(wire, at(name), context));
    }
  }
  for (const [name, port] of Object.entries(stage.inputs)) {
    if (own(wires, name) === undefined && !port.optional) {
      problems.push({
        path: at(name),
        message: `Missing. Expected a stage that gives ${port.type}.`,
      });
    }
  }
  return problems;
}

/** Checks that an entry comes `after` entries that there are. */
export function checkGates(entry: string, { entries, source }: WiringContext): Problem[] {
  const known = Object.keys(entries);
  return (entries[entry].after ?? []).filter((name) => !known.includes(name)).map((name) => ({
    path: source.locate(["stages", entry, "after"]),
    message: `The recipe has no stage ${name}; expected one of ${list(known)}.`,
    nearest: nearest(name, known),
  }));
}

/** What an instance comes `after`: of each entry, the instances that agree on every axis that both have. */
export function gatesOf(
  instance: Unwired,
  context: WiringContext,
  problems: Problem[],
): string[] {
  return (context.entries[instance.entry].after ?? []).flatMap((name) => {
    const found = (context.instancesOf.get(name) ?? [])
      .filter((gate) => agrees(gate.axes, instance.axes));
    if (found.length === 0) {
      problems.push({
        path: context.source.locate(["stages", instance.entry, "after"]),
        message: `${instance.id} would come after nothing: no instance of ${name} is on its axes.`,
      });
    }
    return found.map(({ id }) => id);
  });
}

interface Place {
  readonly instance: Unwired;
  readonly name: string;
  readonly port: InputPort;
  readonly context: WiringContext;
  readonly problems: Problem[];
}

function resolveWire(wire: Wire, place: Place): OutputRef[] {
  const { instance, port, name, context } = place;
  const output = outputOf(wire, port, name, context);
  if (typeof output !== "string") return [];
  const where = typeof wire === "string" ? {} : wire.where;
  return (context.instancesOf.get(entryName(wire)) ?? [])
    .filter(({ axes }) => agrees(axes, instance.axes, where) && matches(axes, where))
    .map((upstream) => ({ instance: upstream.id, port: output, axes: upstream.axes }));
}

/** Whether two places are the same on the axes that both have, those that `where` decides aside. */
function agrees(a: Axes, b: Axes, where: Narrowed = {}): boolean {
  return Object.entries(a).every(([axis, value]) =>
    Object.hasOwn(where, axis) || b[axis] === undefined || b[axis] === value
  );
}

function matches(axes: Axes, where: Narrowed): boolean {
  return Object.entries(where).every(([axis, wanted]) =>
    axes[axis] !== undefined && [wanted].flat().includes(axes[axis])
  );
}

/** The stage entry that a wire reads. */
export function entryName(wire: Wire): string {
  return (typeof wire === "string" ? wire : wire.from).split(".")[0];
}

/** The output port that a wire names, or why it names none. */
function outputOf(
  wire: Wire,
  port: InputPort,
  portName: string,
  context: WiringContext,
): string | Omit<Problem, "path"> {
  const text = typeof wire === "string" ? wire : wire.from;
  const [entry, named] = text.split(".");
  const entries = Object.keys(context.entries);
  if (!entries.includes(entry)) {
    return {
      message: `The recipe has no stage ${entry}; expected one of ${list(entries)}.`,
      nearest: nearest(entry, entries),
    };
  }
  const stage = context.stageOf.get(entry);
  if (stage === undefined) return { message: `Stage ${entry} is not valid itself.` };
  const outputs = Object.entries(stage.outputs);
  if (named === undefined) {
    const fitting = outputs.filter(([, output]) => output.type === port.type).map(([name]) => name);
    const choice = fitting.length === 1 ? fitting[0] : fitting.find((name) => name === portName);
    if (choice !== undefined) return choice;
    return fitting.length === 0
      ? {
        message: `${entry} gives ${
          list(outputs.map(([, o]) => o.type))
        } but expected ${port.type}.`,
      }
      : {
        message: `${entry} has several outputs of this type; expected ${entry}.${
          fitting.join(` or ${entry}.`)
        }.`,
      };
  }
  const output = own(stage.outputs, named);
  if (output === undefined) {
    const known = outputs.map(([name]) => name);
    return {
      message: `${entry} has no output ${named}; expected one of ${list(known)}.`,
      nearest: nearest(named, known),
    };
  }
  return output.type === port.type
    ? named
    : { message: `${text} is of type ${output.type} but expected ${port.type}.` };
}

function nothingToRead({ instance, name, port, context }: Place, wire: Wire): Problem {
  const expected = port.many ? "at least one instance" : "exactly one instance";
  return {
    path: context.source.locate(["stages", instance.entry, "inputs", name]),
    message: `Nothing to read from ${
      entryName(wire)
    } for ${instance.id}; expected ${expected} on its axes.`,
  };
}

function tooMany({ instance, name, context }: Place, refs: readonly OutputRef[]): Problem {
  return {
    path: context.source.locate(["stages", instance.entry, "inputs", name]),
    message: `${refs.length} instances for ${instance.id} (${
      list(refs.map((ref) => ref.instance))
    }); expected one: expand over the same axes or narrow it with "where".`,
  };
}

/** What an entry's wire is narrowed to must be axes of the stage it reads, and values they have. */
function whereProblems(wire: Wire, path: string, { entries, source }: WiringContext): Problem[] {
  if (typeof wire === "string") return [];
  const name = entryName(wire);
  const axes = entries[name].each ?? [];
  return narrowingProblems(wire.where, {
    axes,
    matrix: source.recipe.matrix ?? {},
    path: `${path}.where`,
    noAxis: `${name} does not expand over`,
  });
}

/** What a `where` or `only` may name. */
export interface Narrowing {
  /** Axes that the narrowed stage expands over. */
  readonly axes: readonly string[];
  readonly matrix: NonNullable<Recipe["matrix"]>;
  readonly path: string;
  /** Begins the sentence on an axis that is not among them. */
  readonly noAxis: string;
}

/** The axes and values of a `where` or `only` that do not exist, so that they would take nothing. */
export function narrowingProblems(
  narrowed: Narrowed,
  { axes, matrix, path, noAxis }: Narrowing,
): Problem[] {
  return Object.entries(narrowed).flatMap(([axis, wanted]): Problem[] => {
    if (!axes.includes(axis)) {
      const message = `${noAxis} ${axis}; expected one of ${list(axes)}.`;
      return [{ path, message, nearest: nearest(axis, axes) }];
    }
    const written = own(matrix, axis);
    if (written === undefined) return []; // told where the stage names its axes
    const values: readonly AxisValue[] = Array.isArray(written) ? written : Object.keys(written);
    return [wanted].flat().filter((value) => !values.includes(value)).map((value) => ({
      path: `${path}.${axis}`,
      message: `The axis ${axis} has no value ${JSON.stringify(value)}; expected one of ${
        list(values.map((one) => JSON.stringify(one)))
      }.`,
      nearest: nearest(String(value), values.map(String)),
    }));
  });
}

type AxisValue = string | number;
/** Values by axis. */
type Narrowed = Readonly<Record<string, AxisValue | readonly AxisValue[]>>;

/** A record's own entry: `toString` and the like are names as any other. */
function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
