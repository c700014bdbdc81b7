import { type CountSteps, textSteps } from "./jinja_steps.ts";

/** A value of a running template, as far as it is looked at. */
export interface JinjaValue {
  /** The library's name of its class. */
  readonly type: string;
  readonly value?: unknown;
  toString(): string;
}

/**
 * A value as Python's `str` writes it, which is how Jinja prints it; what is undefined is empty.
 *
 * @param count told of each value that is visited, and of the characters that it is written in
 * @throws TypeError for a value that no template prints: a function, a namespace
 */
export function pythonText(value: JinjaValue, count: CountSteps): string {
  if (value.type === "UndefinedValue") return "";
  return value.type === "StringValue" ? String(value.value) : representation(value, count);
}

/**
 * What Python's `text % values` gives, of `%s`, `%d` and `%%`.
 *
 * @param count as of `pythonText`
 * @throws TypeError for other conversions, and for more or fewer values than conversions
 */
export function pythonFormat(
  text: string,
  values: readonly JinjaValue[],
  count: CountSteps,
): string {
  let at = 0;
  const written = text.replace(/%(.?)/gsu, (_, kind: string) => {
    if (kind === "%") return "%";
    if (kind !== "s" && kind !== "d") {
      throw new TypeError(`the conversion %${kind}; of those of Python, %s, %d and %% are known`);
    }
    const value = values[at++];
    if (value === undefined) throw new TypeError("not enough arguments for format string");
    if (kind === "s") return pythonText(value, count);
    if (value.type === "IntegerValue") return String(value.value);
    throw new TypeError(`%d of ${pythonText(value, count)}, which is no whole number`);
  });
  if (at === values.length) return written;
  throw new TypeError("not all arguments converted during string formatting");
}

/** As Python's `repr`. */
function representation(value: JinjaValue, count: CountSteps): string {
  const written = (text: string) => {
    count(1 + textSteps(text.length));
    return text;
  };
  const elements = () => (value.value as JinjaValue[]).map((each) => representation(each, count));
  switch (value.type) {
    case "NullValue":
      return written("None");
    case "BooleanValue":
      return written(value.value === true ? "True" : "False");
    case "IntegerValue":
    case "FloatValue":
      return written(value.toString());
    case "StringValue":
      return written(quoted(String(value.value)));
    case "UndefinedValue":
      return written("Undefined");
    case "ArrayValue":
      count(1);
      return `[${elements().join(", ")}]`;
    case "TupleValue": {
      count(1);
      const texts = elements();
      return texts.length === 1 ? `(${texts[0]},)` : `(${texts.join(", ")})`;
    }
    case "ObjectValue": {
      count(1);
      const entries = [...value.value as Map<string, JinjaValue>];
      const texts = entries.map(([key, of]) =>
        `${written(quoted(key))}: ${representation(of, count)}`
      );
      return `{${texts.join(", ")}}`;
    }
    default:
      throw new TypeError(`a ${value.type} to be printed`);
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = text.replace(/[\\\p{C}\p{Z}]/gu, (character) => {
    if (character === " ") return " ";
    if (character in ESCAPES) return ESCAPES[character];
    const code = character.codePointAt(0)!;
    const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
    return `\\${letter}${code.toString(16).padStart(Number(digits), "0")}`;
  });
  return quote + (quote === "'" ? inside.replaceAll("'", "\\'") : inside) + quote;
}
