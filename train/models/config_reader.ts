import type { Json } from "../../core/json.ts";
import { nearest, type Problem } from "../../core/problem.ts";

/** The fields of a `config.json`. */
export type RawConfig = Readonly<Record<string, Json>>;

/** Reads one field at a time and keeps what is wrong with any of them. */
export class FieldReader {
  readonly problems: Problem[] = [];

  constructor(readonly raw: RawConfig, readonly path: string) {}

  /** Notes what is wrong with a field, and the name that was perhaps meant. */
  report(key: string, message: string, near?: string): void {
    const problem = { path: `${this.path}: ${key}`, message };
    this.problems.push(near === undefined ? problem : { ...problem, nearest: near });
  }

  /** A field that counts something; 1 when it is wrong. A field of null is one left out. */
  size(key: string, fallback?: number, most = Infinity): number {
    const value = this.raw[key] ?? fallback ?? null;
    if (typeof value === "number" && Number.isSafeInteger(value) && value > 0 && value <= most) {
      return value;
    }
    const expected = most === Infinity
      ? "an integer greater than 0"
      : `an integer from 1 to ${most}`;
    this.report(
      key,
      `Expected ${expected} but found ${JSON.stringify(value)}.`,
      fallback === undefined && value === null ? nearest(key, Object.keys(this.raw)) : undefined,
    );
    return 1;
  }

  /** A field that is a real number above 0; 1 when it is wrong. */
  positive(key: string, fallback: number): number {
    const value = this.raw[key] ?? fallback;
    if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
    this.report(key, `Expected a number greater than 0 but found ${JSON.stringify(value)}.`);
    return 1;
  }

  /** A field that is true or false; false when it is wrong. */
  flag(key: string, fallback: boolean): boolean {
    const value = this.raw[key] ?? fallback;
    if (typeof value === "boolean") return value;
    this.report(key, `Expected true or false but found ${JSON.stringify(value)}.`);
    return false;
  }

  /** One token id or several as a list; negative ones, which mean none, are left out. */
  tokenIds(key: string): number[] {
    const value = this.raw[key] ?? [];
    const ids = Array.isArray(value) ? value : [value];
    if (ids.every((id): id is number => Number.isSafeInteger(id))) {
      return ids.filter((id) => id >= 0);
    }
    this.report(key, `Expected a token id or a list of them but found ${JSON.stringify(value)}.`);
    return [];
  }
}
