import { parse, tokenize } from "@huggingface/jinja";
import { PRINTED } from "./python_interpreter.ts";
import {
  jinjaTitle,
  pythonCapitalize,
  pythonStrip,
  pythonTitle,
  type StrippedSide,
} from "./python_strings.ts";

/** A parsed template. */
export type JinjaProgram = ReturnType<typeof parse>;

/** What a method or a filter makes of a text, given the characters that it names. */
type OfText = (text: string, characters?: string | null) => string;

const strip = (side: StrippedSide): OfText => (text, characters) =>
  pythonStrip(text, { side, characters });

/** Methods that the library gives JavaScript's meaning. */
const METHODS: Readonly<Record<string, OfText>> = {
  strip: strip("both"),
  lstrip: strip("left"),
  rstrip: strip("right"),
  title: (text) => pythonTitle(text),
  capitalize: (text) => pythonCapitalize(text),
};

/** Filters of the same kind. */
const FILTERS: Readonly<Record<string, OfText>> = {
  trim: strip("both"),
  title: (text) => jinjaTitle(text),
  capitalize: (text) => pythonCapitalize(text),
};

/** The names of functions that no template can spell, so that none can hide them. */
const hiddenMethod = (name: string) => ` .${name}`;
const hiddenFilter = (name: string) => ` |${name}`;

/** The functions that a rewritten program calls, by the names that it calls them. */
export const PYTHON_FUNCTIONS: Readonly<Record<string, unknown>> = Object.fromEntries([
  ...Object.entries(METHODS).map(([name, make]) => [
    hiddenMethod(name),
    (value: unknown, characters?: string | null) => make(textOf(value, name), characters),
  ]),
  ...Object.entries(FILTERS).map(([name, make]) => [
    hiddenFilter(name),
    (value: unknown, characters?: string | null) => make(printed(value), characters),
  ]),
]);

/** A value as the filter sees it: what is undefined is empty. */
function printed(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "boolean") return value ? "True" : "False";
  return value === null ? "None" : String(value);
}

/** A value that must be text for it to have the method. */
function textOf(value: unknown, method: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`${method}() of a value that is no text`);
}

/**
 * Parses a template as `transformers` does: blocks trimmed, line breaks of any kind read as `\n`.
 * Where it strips or capitalises texts, by filter or by method, the program calls `PYTHON_FUNCTIONS`: the
 * library strips what JavaScript calls white space, passes over which characters a template names, and
 * leaves the letters after the first as they are. What it prints is marked for `PythonInterpreter`.
 *
 * @throws SyntaxError when the text is no Jinja
 */
export function parseJinja(source: string): JinjaProgram {
  const lines = source.replace(/\r\n?/g, "\n");
  const program = parse(tokenize(lines, { lstrip_blocks: true, trim_blocks: true }));
  rewrite(program);
  return program;
}

/** A node of a program, as far as it is looked at. */
interface Node {
  type: string;
  [field: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null &&
    typeof (value as { type?: unknown }).type === "string";
}

/** Fields that hold the statements of a block. */
const BLOCKS = ["body", "alternate", "defaultBlock"];
/** What prints nothing by itself, or a text as it stands. */
const UNPRINTED = [
  ...["If", "For", "Set", "Macro", "Break", "Continue", "Comment", "CallStatement"],
  ...["FilterStatement", "StringLiteral"],
];

/** Marks the expressions among a block's statements. */
function markPrinted(block: unknown): void {
  if (!Array.isArray(block)) return;
  block.forEach((statement: unknown, i) => {
    if (isNode(statement) && !UNPRINTED.includes(statement.type)) {
      block[i] = { type: PRINTED, value: statement };
    }
  });
}

/** Replaces, from the leaves up, methods and filters of texts by calls. */
function rewrite(value: unknown): void {
  if (Array.isArray(value)) value.forEach(rewrite);
  else if (value instanceof Map) [...value].flat().forEach(rewrite);
  else if (isNode(value)) {
    Object.values(value).forEach(rewrite);
    for (const field of BLOCKS) markPrinted(value[field]);
    const call = textCall(value);
    if (call === null) return;
    for (const field of Object.keys(value)) delete value[field];
    Object.assign(value, call);
  }
}

/** The call that a filter such as `trim` or a method such as `.rstrip("x")` becomes; null for other nodes. */
function textCall(node: Node): Node | null {
  const call = (name: string, args: unknown[]): Node => ({
    type: "CallExpression",
    callee: { type: "Identifier", value: name },
    args,
  });
  if (node.type === "FilterExpression" && isNode(node.filter)) {
    const { filter } = node;
    const named = filter.type === "CallExpression" ? filter.callee : filter;
    const args = filter.type === "CallExpression" ? filter.args as unknown[] : [];
    const name = isNode(named) ? String(named.value) : "";
    if (Object.hasOwn(FILTERS, name)) return call(hiddenFilter(name), [node.operand, ...args]);
  }
  if (node.type === "CallExpression" && isNode(node.callee)) {
    const { type, computed, property, object } = node.callee;
    if (type !== "MemberExpression" || computed === true || !isNode(property)) return null;
    const name = String(property.value);
    if (Object.hasOwn(METHODS, name)) {
      return call(hiddenMethod(name), [object, ...(node.args as unknown[])]);
    }
  }
  return null;
}
