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
 * @throws TypeError for a value that no template prints: a function, a namespace
 */
export function pythonText(value: JinjaValue): string {
  if (value.type === "UndefinedValue") return "";
  return value.type === "StringValue" ? String(value.value) : representation(value);
}

/**
 * What Python's `text % values` gives, of `%s`, `%d` and `%%`.
 *
 * @throws TypeError for other conversions, and for more or fewer values than conversions
 */
export function pythonFormat(text: string, values: readonly JinjaValue[]): string {
  let at = 0;
  const written = text.replace(/%(.?)/gsu, (_, kind: string) => {
    if (kind === "%") return "%";
    if (kind !== "s" && kind !== "d") {
      throw new TypeError(`the conversion %${kind}; of those of Python, %s, %d and %% are known`);
    }
    const value = values[at++];
    if (value === undefined) throw new TypeError("not enough arguments for format string");
    if (kind === "s") return pythonText(value);
    if (value.type === "IntegerValue") return String(value.value);
    throw new TypeError(`%d of ${pythonText(value)}, which is no whole number`);
  });
  if (at === values.length) return written;
  throw new TypeError("not all arguments converted during string formatting");
}

/** As Python's `repr`. */
function representation(value: JinjaValue): string {
  switch (value.type) {
    case "NullValue":
      return "None";
    case "BooleanValue":
      return value.value === true ? "True" : "False";
    case "IntegerValue":
    case "FloatValue":
      return value.toString();
    case "StringValue":
      return quoted(String(value.value));
    case "UndefinedValue":
      return "Undefined";
    case "ArrayValue":
      return `[${(value.value as JinjaValue[]).map(representation).join(", ")}]`;
    case "TupleValue": {
      const elements = (value.value as JinjaValue[]).map(representation);
      return elements.length === 1 ? `(${elements[0]},)` : `(${elements.join(", ")})`;
    }
    case "ObjectValue": {
      const entries = [...value.value as Map<string, JinjaValue>];
      return `{${entries.map(([key, of]) => `${quoted(key)}: ${representation(of)}`).join(", ")}}`;
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
