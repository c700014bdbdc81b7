import type { JinjaValue } from "./python_text.ts";

/**
 * What one rendering may take: templates are other people's, and rendering cannot be interrupted. A step is
 * a node that is evaluated, an element that is visited, or 64 characters. Templates of models take some thousands.
 */
export const MOST_STEPS = 1_000_000;
/** Characters of any text that a template makes. */
export const LONGEST_TEXT = 1 << 24;

/** Told of steps before they are taken; throws when there are too many. */
export type CountSteps = (steps: number) => void;

/** @throws RangeError from the step on that is one too many */
export function stepCounter(): CountSteps {
  let taken = 0;
  return (steps) => {
    taken += steps;
    if (!(taken <= MOST_STEPS)) {
      throw new RangeError(`a template that does not end within ${MOST_STEPS} steps`);
    }
  };
}

/** Steps of so many characters. */
export function textSteps(characters: number): number {
  return Math.floor(characters / 64);
}

/** Elements that a value holds itself. */
export function sizeOf({ value }: JinjaValue): number {
  if (Array.isArray(value)) return value.length;
  return value instanceof Map ? value.size : 0;
}

/**
 * Counts a step for all that a value holds, at any depth, as often as it is met there, and the characters of its
 * texts.
 *
 * @param more characters that are written beside each element, by its depth
 * @returns the steps
 */
function countAll(
  value: JinjaValue,
  count: CountSteps,
  more: (depth: number) => number = () => 0,
): number {
  let all = 0;
  const visit = ({ value: inner }: JinjaValue, depth: number, key = "") => {
    const steps = 1 + textSteps(key.length + lengthOf(inner) + more(depth));
    all += steps;
    count(steps);
    if (Array.isArray(inner)) { for (const element of inner) visit(element, depth + 1); }
    else if (inner instanceof Map) { for (const [name, of] of inner) visit(of, depth + 1, name); }
  };
  visit(value, 0);
  return all;
}

function lengthOf(value: unknown): number {
  return typeof value === "string" ? value.length : 0;
}

/** Characters of the texts among arguments. */
function textsOf(args: readonly JinjaValue[]): number {
  return args.reduce((sum, { value }) => sum + lengthOf(value), 0);
}

/** Counts what sorting takes: each comparison may read all of two elements. */
function countSorted(operand: JinjaValue, args: readonly JinjaValue[], count: CountSteps) {
  const size = sizeOf(operand);
  const once = countAll(operand, count) + size * textSteps(textsOf(args));
  count(once * Math.ceil(Math.log2(size + 1)));
}

/** Counts a search for `part`, which may compare all of it at each place. */
export function countSearch(text: string, part: string, count: CountSteps): void {
  count(textSteps(text.length) * (1 + textSteps(part.length)));
}

/** How often a text holds another. */
function occurrences(text: string, part: string, count: CountSteps): number {
  if (part === "") return text.length + 1;
  countSearch(text, part, count);
  let found = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) found++;
  return found;
}

type Counter = (operand: JinjaValue, args: readonly JinjaValue[], count: CountSteps) => void;

const countReplaced: Counter = ({ value }, [old, by], count) => {
  const [text, part, other] = [value, old?.value, by?.value];
  if (typeof text !== "string" || typeof part !== "string") return;
  count(textSteps(text.length + occurrences(text, part, count) * lengthOf(other)));
};

/** What filters of lists and records take beside a step. Those that are not here take one for each element. */
const FILTERS: Readonly<Record<string, Counter>> = {
  list: () => {},
  first: () => {},
  last: () => {},
  length: () => {},
  safe: () => {},
  default: () => {},
  sort: countSorted,
  dictsort: countSorted,
  unique: (operand, _, count) => countAll(operand, count),
  join: (operand, args, count) => {
    const elements = lengthOf(operand.value) + sizeOf(operand);
    count(elements + textSteps(elements * textsOf(args)));
    countAll(operand, count);
  },
  tojson: (operand, args, count) => {
    const indent = widthOf(args, 0);
    const separators = args.reduce((sum, value) => sum + listedTexts(value), 0);
    countAll(operand, count, (depth) => indent * (depth + 1) + separators);
  },
  map: (operand, args, count) => count(sizeOf(operand) * (1 + textsOf(args))),
  selectattr: countSelected,
  rejectattr: countSelected,
  replace: countReplaced,
  indent: ({ value }, args, count) => {
    if (typeof value !== "string") return;
    const lines = 1 + occurrences(value, "\n", count);
    count(textSteps(value.length + lines * widthOf(args, 4)));
  },
};

/** The greatest number among arguments. */
function widthOf(args: readonly JinjaValue[], least: number): number {
  return args.reduce(
    (most, { value }) => typeof value === "number" ? Math.max(most, value) : most,
    least,
  );
}

function listedTexts({ value }: JinjaValue): number {
  if (!Array.isArray(value)) return 0;
  return textsOf(value as JinjaValue[]);
}

function countSelected(
  { value }: JinjaValue,
  [attribute]: readonly JinjaValue[],
  count: CountSteps,
): void {
  if (!Array.isArray(value)) return;
  const name = attribute?.value;
  for (const { value: held } of value as JinjaValue[]) {
    count(1 + (held instanceof Map ? textSteps(lengthOf(held.get(name)?.value)) : 0));
  }
}

/** Counts, before a filter is applied, what it takes beside a step, and beside the characters of what it makes. */
export function countFilter(
  name: string,
  operand: JinjaValue,
  { args, count }: { readonly args: readonly JinjaValue[]; readonly count: CountSteps },
): void {
  count(textSteps(lengthOf(operand.value)));
  if (Object.hasOwn(FILTERS, name)) FILTERS[name](operand, args, count);
  else count(sizeOf(operand));
}

/** What methods of texts take beside reading the text. */
const METHODS: Readonly<Record<string, Counter>> = {
  replace: countReplaced,
  split: ({ value }, [separator], count) => {
    const text = String(value);
    const part = separator?.value;
    if (typeof part === "string") count(occurrences(text, part, count));
    else for (const _ of text.matchAll(/\S+/g)) count(1);
  },
  startswith: (_, args, count) => args.forEach((value) => countAll(value, count)),
  endswith: (_, args, count) => args.forEach((value) => countAll(value, count)),
};

/** As `countFilter`, for a method of a text or of a record. */
export function countMethod(
  name: string,
  owner: JinjaValue,
  { args, count }: { readonly args: readonly JinjaValue[]; readonly count: CountSteps },
): void {
  count(1 + textSteps(lengthOf(owner.value)) + (name === "get" ? 0 : sizeOf(owner)));
  if (Object.hasOwn(METHODS, name)) METHODS[name](owner, args, count);
}
