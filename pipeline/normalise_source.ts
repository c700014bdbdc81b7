import { parse } from "@babel/parser";

/** A statement may end at the end of the line after these. */
const RESTRICTED = new Set(["return", "throw", "break", "continue", "yield"]);

/**
 * The tokens of a TypeScript module without comments, white space and trailing commas: what an edit
 * must change to change what the module does. Formatting and comments leave it equal.
 *
 * @throws SyntaxError when the source cannot be parsed
 */
export function normaliseSource(source: string): string {
  const { tokens } = parse(source, {
    sourceType: "module",
    plugins: ["typescript"],
    tokens: true,
    attachComment: false,
  });
  const kept: string[] = [];
  let line = 1;
  for (const { type, start, end, loc } of tokens ?? []) {
    if (type === "CommentLine" || type === "CommentBlock") continue;
    const text = source.slice(start, end);
    if (RESTRICTED.has(kept.at(-1) ?? "") && loc.start.line !== line) kept.push("end of line");
    line = loc.end.line;
    if (isClosing(text) && kept.at(-1) === "," && !isElision(kept.at(-2))) kept.pop();
    kept.push(text);
  }
  return kept.join("\n");
}

function isClosing(token: string): boolean {
  return token === ")" || token === "]" || token === "}" || token === ">";
}

/** A comma after a comma or an opening bracket stands for a hole, not for a trailing comma. */
function isElision(before: string | undefined): boolean {
  return before === "," || before === "[";
}
