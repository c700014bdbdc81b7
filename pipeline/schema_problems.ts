import { z } from "../core/zod.ts";
import { nearest, type Problem } from "../core/problem.ts";

type Issue = z.core.$ZodIssue;

/**
 * Turns what zod found into problems with full paths, the value found and the nearest valid choice.
 *
 * @param schema the schema that was applied, asked for its known keys
 * @param value what it was applied to
 * @param prefix path of `value`, such as `stages.train.params`
 */
export function schemaProblems(
  schema: z.ZodType,
  value: unknown,
  prefix: string,
): Problem[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => issueProblems(issue, { schema, value, prefix }));
}

interface Place {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly prefix: string;
}

function issueProblems(issue: Issue, place: Place): Problem[] {
  const path = joinPath(place.prefix, issue.path);
  const found = valueAt(place.value, issue.path);
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schemaAt(place.schema, place.value, issue.path), found);
    return issue.keys.map((key) => ({
      path: joinPath(path, [key]),
      message: `Unknown key; expected one of ${known.join(", ") || "no keys"}.`,
      nearest: nearest(key, known),
    }));
  }
  if (issue.code === "invalid_key") {
    const expected = issue.issues.map(expectedOf).join(" and ");
    return [{ path, message: `Expected ${expected} but found ${shown(issue.path.at(-1))}.` }];
  }
  if (issue.code === "invalid_union") return unionProblems(issue, path, found);
  if (issue.code === "invalid_value") {
    const choices = issue.values.map(String);
    const expected = `Expected ${choices.length > 1 ? "one of " : ""}${choices.join(", ")}`;
    return [{
      path,
      message: found === undefined
        ? `Missing. ${expected}.`
        : `${expected} but found ${shown(found)}.`,
      nearest: typeof found === "string" ? nearest(found, choices) : undefined,
    }];
  }
  if (found === undefined) {
    // What needs a key because of another one says why.
    const what = issue.code === "custom"
      ? expectedOf(issue)
      : descriptionAt(place.schema, place.value, issue.path) ?? expectedOf(issue);
    return [{ path, message: `Missing. Expected ${what}.` }];
  }
  return [{ path, message: `Expected ${expectedOf(issue)} but found ${shown(found)}.` }];
}

function unionProblems(
  issue: Extract<Issue, { code: "invalid_union" }>,
  path: string,
  found: unknown,
): Problem[] {
  if ("discriminator" in issue && typeof issue.discriminator === "string") {
    const choices = "options" in issue && Array.isArray(issue.options)
      ? issue.options.map(String)
      : [];
    return [{
      path,
      message: `Expected one of ${choices.join(", ")} but found ${shown(found)}.`,
      nearest: typeof found === "string" ? nearest(found, choices) : undefined,
    }];
  }
  const alternatives = issue.errors.map((errors) => errors.map(expectedOf).join(" and "));
  return [{
    path,
    message: `Expected ${[...new Set(alternatives)].join(" or ")} but found ${shown(found)}.`,
  }];
}

function expectedOf(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return article(issue.expected === "int" ? "integer" : issue.expected);
    case "too_small":
      return `${noun(issue.origin)} ${
        issue.inclusive ? "of at least" : "greater than"
      } ${issue.minimum}`;
    case "too_big":
      return `${noun(issue.origin)} ${
        issue.inclusive ? "of at most" : "less than"
      } ${issue.maximum}`;
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    default:
      return issue.message.replace(/\.$/, "");
  }
}

function noun(origin: string): string {
  if (origin === "array" || origin === "set") return "a list with a length";
  if (origin === "string") return "a text with a length";
  return origin === "int" ? "an integer" : "a number";
}

function article(name: string): string {
  return /^[aeio]/.test(name) ? `an ${name}` : `a ${name}`;
}

/** A value as a person would recognise it, cut at 60 characters. */
export function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** `stages.train` and `["params", 0, "beta"]` joined as `stages.train.params[0].beta`. */
export function joinPath(prefix: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((joined, part) => {
    if (typeof part === "number") return `${joined}[${part}]`;
    return joined === "" ? String(part) : `${joined}.${String(part)}`;
  }, prefix);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      inner !== null && typeof inner === "object"
        ? (inner as Record<PropertyKey, unknown>)[part]
        : undefined,
    value,
  );
}

/** Removes optional, default and nullable wrappers. */
export function unwrapped(schema: z.ZodType): z.ZodType {
  let inner: z.ZodType = schema;
  for (;;) {
    if (
      inner instanceof z.ZodOptional || inner instanceof z.ZodDefault ||
      inner instanceof z.ZodNullable || inner instanceof z.ZodReadonly
    ) inner = inner.unwrap() as z.ZodType;
    else if (inner instanceof z.ZodPipe) inner = inner.in as z.ZodType;
    else return inner;
  }
}

/**
 * The object schema that applies to a value: of a union the option whose literal fields (its
 * discriminator) the value matches.
 */
export function objectSchema(schema: z.ZodType, value: unknown): z.ZodObject | undefined {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject) return inner;
  if (inner instanceof z.ZodUnion) {
    const options = inner.options.map((option) => objectSchema(option as z.ZodType, value));
    return options.find((option) => option !== undefined && literalsMatch(option, value)) ??
      options[0];
  }
  if (inner instanceof z.ZodIntersection) {
    return objectSchema(inner.def.left as z.ZodType, value);
  }
  return undefined;
}

function literalsMatch(option: z.ZodObject, value: unknown): boolean {
  return Object.entries(option.shape).every(([key, field]) =>
    !(field instanceof z.ZodLiteral) || field.safeParse(valueAt(value, [key])).success
  );
}

function knownKeys(schema: z.ZodType | undefined, value: unknown): string[] {
  const object = schema === undefined ? undefined : objectSchema(schema, value);
  return object === undefined ? [] : Object.keys(object.shape);
}

function schemaAt(
  schema: z.ZodType,
  value: unknown,
  path: readonly PropertyKey[],
): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema;
  let inner = value;
  for (const part of path) {
    if (current === undefined) return undefined;
    const bare: z.ZodType = unwrapped(current);
    if (bare instanceof z.ZodArray) current = bare.element as z.ZodType;
    else if (bare instanceof z.ZodRecord) current = bare.valueType as z.ZodType;
    else current = objectSchema(bare, inner)?.shape[String(part)] as z.ZodType | undefined;
    inner = valueAt(inner, [part]);
  }
  return current;
}

function descriptionAt(
  schema: z.ZodType,
  value: unknown,
  path: readonly PropertyKey[],
): string | undefined {
  const at = schemaAt(schema, value, path);
  return at?.description ?? (at === undefined ? undefined : unwrapped(at).description);
}
