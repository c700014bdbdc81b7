import { nearest, type Problem, refuseProblems } from "../../core/problem.ts";
import { kindOf } from "./conversation.ts";
import type { RowFile } from "./row_files.ts";

/** What a number must be. */
export interface NumberRange {
  readonly least?: number;
  readonly most?: number;
  readonly integer?: boolean;
}

/**
 * The fields of one row while it is checked: what is wrong is kept, and a stand-in given, so that
 * every problem of a file is found in one go.
 */
export class RowFields {
  readonly #refused: { key: string; message: string; near?: string }[] = [];
  readonly #asked = new Set<string>();

  constructor(readonly row: Readonly<Record<string, unknown>>, readonly where: string) {}

  /** What is wrong so far. */
  get problems(): Problem[] {
    if (this.#refused.length === 0) return [];
    const unknown = Object.keys(this.row).filter((key) => !this.#asked.has(key));
    return this.#refused.map(({ key, message, near }) => ({
      path: `${this.where}: ${key}`,
      message,
      nearest: Object.hasOwn(this.row, key) ? near : nearest(key, unknown),
    }));
  }

  /** Whether the row has a value under this key that is not null. */
  has(key: string): boolean {
    return Object.hasOwn(this.row, key) && this.row[key] !== null;
  }

  /** The value under a key, whatever it is. */
  value(key: string): unknown {
    this.#asked.add(key);
    return this.row[key];
  }

  /** A text. */
  text(key: string): string {
    const value = this.value(key);
    if (typeof value === "string") return value;
    this.refuse(key, "a text");
    return "";
  }

  /** One of several texts. */
  choice<Choice extends string>(key: string, choices: readonly Choice[]): Choice {
    const value = this.value(key);
    const known = choices.find((choice) => choice === value);
    if (known !== undefined) return known;
    const near = typeof value === "string" ? nearest(value, choices) : undefined;
    this.refuse(key, choices.join(", ").replace(/, ([^,]*)$/, " or $1"), near);
    return choices[0];
  }

  /** A number; written out in a text, where the row is of a CSV file. */
  number(key: string, range: NumberRange = {}): number {
    const found = this.value(key);
    const value = typeof found === "string" && found.trim() !== "" ? Number(found) : found;
    const { least = -Infinity, most = Infinity, integer = false } = range;
    const fits = typeof value === "number" && Number.isFinite(value) && value >= least &&
      value <= most && (!integer || Number.isInteger(value));
    if (fits) return value;
    this.refuse(key, describeRange(range));
    return 0;
  }

  /** A list of texts. */
  texts(key: string): string[] {
    const value = this.value(key);
    if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
    this.refuse(key, "a list of texts");
    return [];
  }

  /** Says that the value under a key is not what was expected. */
  refuse(key: string, expected: string, near?: string): void {
    this.#asked.add(key);
    const found = Object.hasOwn(this.row, key) ? excerpt(this.row[key]) : "no such key";
    this.#refused.push({ key, message: `Expected ${expected} but found ${found}.`, near });
  }
}

/**
 * Turns the rows of a file into values.
 *
 * @param read takes a row's fields; what it returns counts only where no field was refused
 * @throws InputError naming up to 20 problems and how many more there are
 */
export function checkRows<T>(
  { rows, where }: Pick<RowFile, "rows" | "where">,
  read: (fields: RowFields, number: number) => T,
): T[] {
  const problems: Problem[] = [];
  const values = rows.flatMap((source) => {
    const path = where(source.number);
    if ("problem" in source) {
      problems.push({ path, ...source.problem });
      return [];
    }
    const fields = new RowFields(source.row, path);
    const value = read(fields, source.number);
    problems.push(...fields.problems);
    return [value];
  });
  refuseProblems(problems);
  return values;
}

function describeRange({ least, most, integer = false }: NumberRange): string {
  const kind = integer ? "an integer" : "a number";
  if (least !== undefined && most !== undefined) return `${kind} from ${least} to ${most}`;
  if (least !== undefined) return `${kind} of at least ${least}`;
  return most === undefined ? kind : `${kind} of at most ${most}`;
}

function excerpt(value: unknown): string {
  if (typeof value === "object" && value !== null) return `a ${kindOf(value)}`;
  const text = JSON.stringify(value);
  return text.length > 44 ? `${text.slice(0, 40)}…"` : text;
}
