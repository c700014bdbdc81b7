import { nearest, type Problem } from "../core/problem.ts";
import type { Axes, OutputRef } from "./instance.ts";
import type { RecipeSource, StageEntry, Wire } from "./recipe.ts";
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
 * agree with the reader on every axis that both have: exactly one for a plain port, all for a
 * `many` port.
 */
export function wireInputs(
  instance: Unwired,
  context: WiringContext,
  problems: Problem[],
): Record<string, readonly OutputRef[]> {
  const wires = context.entries[instance.entry].inputs ?? {};
  const wired: Record<string, readonly OutputRef[]> = {};
  for (const [name, port] of Object.entries(instance.stage.inputs)) {
    const given = wires[name];
    if (given === undefined) {
      wired[name] = [];
      continue;
    }
    const list = Array.isArray(given) ? given : [given];
    const place: Place = { instance, name, port, context, problems };
    const refs = list.flatMap((wire) => resolveWire(wire, place));
    if (!port.many && refs.length !== 1 && problems.length === 0) report(place, refs);
    wired[name] = refs;
  }
  return wired;
}

/** Checks the names and types of an entry's wires, once for all its instances. */
export function checkWires(entry: string, context: WiringContext): Problem[] {
  const stage = context.stageOf.get(entry);
  if (stage === undefined) return [];
  const wires = context.entries[entry].inputs ?? {};
  const at = (port: string) => context.source.locate(["stages", entry, "inputs", port]);
  const problems: Problem[] = [];
  for (const [name, given] of Object.entries(wires)) {
    const port = stage.inputs[name];
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
    }
  }
  for (const [name, port] of Object.entries(stage.inputs)) {
    if (wires[name] === undefined && !port.optional) {
      problems.push({
        path: at(name),
        message: `Missing. Expected a stage that gives ${port.type}.`,
      });
    }
  }
  return problems;
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
    .filter((upstream) => agrees(upstream.axes, instance.axes) && matches(upstream.axes, where))
    .map((upstream) => ({ instance: upstream.id, port: output, axes: upstream.axes }));
}

function agrees(a: Axes, b: Axes): boolean {
  return Object.entries(a).every(([axis, value]) => b[axis] === undefined || b[axis] === value);
}

function matches(
  axes: Axes,
  where: Record<string, string | number | (string | number)[]>,
): boolean {
  return Object.entries(where).every(([axis, wanted]) =>
    axes[axis] !== undefined && [wanted].flat().includes(axes[axis])
  );
}

function entryName(wire: Wire): string {
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
  const output = stage.outputs[named];
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

function report(place: Place, refs: readonly OutputRef[]): void {
  const { instance, name, context } = place;
  place.problems.push({
    path: context.source.locate(["stages", instance.entry, "inputs", name]),
    message: refs.length === 0
      ? `Nothing to read for ${instance.id}; expected exactly one instance on its axes.`
      : `${refs.length} instances for ${instance.id} (${
        list(refs.map((ref) => ref.instance))
      }); expected one: expand over the same axes or narrow it with "where".`,
  });
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
