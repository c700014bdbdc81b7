/**
 * Reports exported functions and classes without a doc comment:
 * `deno run --allow-read --allow-env tools/check_docs.ts core pipeline …`
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** An exported declaration that nothing describes. */
export interface Undocumented {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly name: string;
}

/**
 * The exported functions and classes of a module, and the public methods of those classes, that have no
 * doc comment. Methods marked `override` and those of classes that implement an interface need none:
 * what they keep to is described there.
 */
export function findUndocumented(file: string, source: string): Undocumented[] {
  const module = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  return module.statements.filter(isExported)
    .flatMap((statement) => [...declarationsOf(statement), ...methodsOf(statement)])
    .filter((node) => ts.getJSDocCommentsAndTags(node).length === 0)
    .map((node) => ({
      file,
      line: module.getLineAndCharacterOfPosition(node.getStart()).line + 1,
      name: nameOf(node),
    }));
}

function declarationsOf(statement: ts.Statement): ts.Declaration[] {
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) return [statement];
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.filter(({ initializer }) =>
    initializer !== undefined &&
    (ts.isArrowFunction(initializer) || ts.isFunctionExpression(initializer))
  );
}

function methodsOf(statement: ts.Statement): ts.ClassElement[] {
  if (!ts.isClassDeclaration(statement)) return [];
  const implementing = statement.heritageClauses?.some(({ token }) =>
    token === ts.SyntaxKind.ImplementsKeyword
  );
  return implementing ? [] : statement.members.filter(isPublicMethod);
}

function isExported(statement: ts.Statement): boolean {
  return ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
}

const HIDDEN = [
  ts.SyntaxKind.PrivateKeyword,
  ts.SyntaxKind.ProtectedKeyword,
  ts.SyntaxKind.OverrideKeyword,
];

function isPublicMethod(member: ts.ClassElement): boolean {
  if (!ts.isMethodDeclaration(member) || !ts.isIdentifier(member.name)) return false;
  return !(ts.getModifiers(member) ?? []).some(({ kind }) => HIDDEN.includes(kind));
}

function nameOf(node: ts.Declaration): string {
  const name = ts.getNameOfDeclaration(node)?.getText() ?? "default";
  return ts.isMethodDeclaration(node) && ts.isClassDeclaration(node.parent)
    ? `${nameOf(node.parent)}.${name}`
    : name;
}

function typeScriptFiles(path: string): string[] {
  if (path.endsWith(".ts")) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(path, name))
    .sort();
}

if (import.meta.main) {
  const files = Deno.args.flatMap(typeScriptFiles);
  const found = files.flatMap((file) => findUndocumented(file, readFileSync(file, "utf8")));
  const lines = found.map(({ file, line, name }) =>
    `${file}:${line}: ${name} has no doc comment\n`
  );
  const summary = `${files.length} files, ${found.length} exports without a doc comment\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(lines.join("") + summary));
  Deno.exitCode = found.length === 0 ? 0 : 1;
}
