import { InputError, nearest, type Problem } from "../../core/problem.ts";
import { ApiError } from "./api_error.ts";

/** What a number must be. */
export interface NumberField {
  readonly least?: number;
  /** The number must be greater than this. */
  readonly above?: number;
  readonly most?: number;
  readonly integer?: boolean;
}

/** A list of strings is cut at so many characters in a message. */
const SHOWN = 60;

/**
 * The fields of a request's body while it is read: what is wrong is kept, and a stand-in given, so that
 * all of it is told at once. A field of null is one left out, as OpenAI's API has it.
 */
export class RequestFields {
  readonly problems: Problem[] = [];
  readonly #known = new Set<string>();
  readonly #body: Readonly<Record<string, unknown>>;

  /**
   * @param body what was sent, parsed
   * @throws ApiError when it is no object
   */
  constructor(body: unknown) {
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      throw new ApiError(`Expected a JSON object but found ${shownValue(body)}.`, { status: 400 });
    }
    this.#body = body as Readonly<Record<string, unknown>>;
  }

  /** The value of a field, whatever it is; null where there is none. */
  value(name: string): unknown {
    this.#known.add(name);
    return Object.hasOwn(this.#body, name) ? this.#body[name] ?? null : null;
  }

  /** A text. */
  text(name: string): string {
    const value = this.value(name);
    if (typeof value === "string") return value;
    this.refuse(name, "a text");
    return "";
  }

  /** A number; the fallback where there is none. */
  number<Fallback>(name: string, range: NumberField, fallback: Fallback): number | Fallback {
    const value = this.value(name);
    if (value === null) return fallback;
    const { least = -Infinity, above = -Infinity, most = Infinity, integer = false } = range;
    const fits = typeof value === "number" && value >= least && value > above && value <= most &&
      (integer ? Number.isSafeInteger(value) : Number.isFinite(value));
    if (fits) return value;
    this.refuse(name, describe(range));
    return fallback;
  }

  /** True or false; false where there is none. */
  flag(name: string): boolean {
    const value = this.value(name);
    if (typeof value === "boolean") return value;
    if (value !== null) this.refuse(name, "true or false");
    return false;
  }

  /** Takes a field at the values that change nothing, since no other is implemented. */
  neutral(name: string, expected: string, isNeutral: (value: unknown) => boolean): void {
    const value = this.value(name);
    if (value !== null && !isNeutral(value)) {
      this.refuse(name, `${expected} (nothing else is implemented)`);
    }
  }

  /** Fields that change no answer, whatever they hold. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#known.add(name);
  }

  /** Says that a field is not what was expected. */
  refuse(name: string, expected: string): void {
    const found = Object.hasOwn(this.#body, name) ? shownValue(this.#body[name]) : "no such field";
    this.problem(name, `Expected ${expected} but found ${found}.`);
  }

  /** Says what is wrong at a path. */
  problem(path: string, message: string): void {
    this.problems.push({ path, message });
  }

  /**
   * Ends the reading.
   *
   * @throws InputError with all that is wrong: fields that were not asked for, too
   */
  finish(): void {
    const unknown = Object.keys(this.#body).filter((name) => !this.#known.has(name));
    for (const name of unknown) {
      this.problems.push({
        path: name,
        message: `Expected a field that is implemented but found ${shownValue(this.#body[name])}.`,
        nearest: nearest(name, this.#known),
      });
    }
    if (this.problems.length > 0) throw new InputError(this.problems);
  }
}

/** A value as a client would recognise it. */
export function shownValue(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;
}

function describe({ least, above, most, integer = false }: NumberField): string {
  const kind = integer ? "an integer" : "a number";
  if (above !== undefined) {
    return most === undefined
      ? `${kind} above ${above}`
      : `${kind} above ${above}, at most ${most}`;
  }
  if (least !== undefined && most !== undefined) return `${kind} from ${least} to ${most}`;
  if (least !== undefined) return `${kind} of at least ${least}`;
  return most === undefined ? kind : `${kind} of at most ${most}`;
}
