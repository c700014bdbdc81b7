import ts from "typescript";

/**
 * The tokens of a module without comments, white space and trailing commas: what an edit must change
 * to change what the module does. Formatting and comments leave it equal.
 */
export function normaliseSource(source: string, fileName: string): string {
  const file = ts.createSourceFile(fileName, source, ts.ScriptTarget.Latest, false);
  const tokens: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(file);
    if (children.length > 0) return children.forEach(visit);
    const text = node.getText(file);
    if (text === "") return;
    if (isClosing(text) && tokens.at(-1) === "," && !isElision(tokens.at(-2))) tokens.pop();
    tokens.push(text);
  };
  visit(file);
  return tokens.join("\n");
}

function isClosing(token: string): boolean {
  return token === ")" || token === "]" || token === "}" || token === ">";
}

/** A comma after a comma or an opening bracket stands for a hole, not for a trailing comma. */
function isElision(before: string | undefined): boolean {
  return before === "," || before === "[";
}
