import { parse, tokenize } from "@huggingface/jinja";
import { PRINTED } from "./python_interpreter.ts";

/** A parsed template. */
export type JinjaProgram = ReturnType<typeof parse>;

/**
 * Parses a template as `transformers` does: blocks trimmed, line breaks of any kind read as `\n`. What it prints
 * is marked for `PythonInterpreter`.
 *
 * @throws SyntaxError when the text is no Jinja
 */
export function parseJinja(source: string): JinjaProgram {
  const lines = source.replace(/\r\n?/g, "\n");
  const program = parse(tokenize(lines, { lstrip_blocks: true, trim_blocks: true }));
  markPrinted(program);
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

/** Marks, at any depth, the expressions among a block's statements. */
function markPrinted(value: unknown): void {
  if (Array.isArray(value)) value.forEach(markPrinted);
  else if (value instanceof Map) [...value].flat().forEach(markPrinted);
  else if (isNode(value)) {
    Object.values(value).forEach(markPrinted);
    for (const field of BLOCKS) {
      const block = value[field];
      if (Array.isArray(block)) block.forEach((statement, i) => block[i] = printed(statement));
    }
  }
}

function printed(statement: unknown): unknown {
  if (!isNode(statement) || UNPRINTED.includes(statement.type)) return statement;
  // Of the library's own class: in the bodies of macros, it looks for names in nothing else.
  return Object.assign(Object.create(Object.getPrototypeOf(statement)), {
    ...{ type: PRINTED, value: statement },
  });
}
