import { fileURLToPath } from "node:url";

/** Which parts of the project a part may import beside itself: prefixes of paths from its root. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  pipeline: ["core/"],
  data: ["core/"],
  train: ["core/", "data/pair.ts", "data/batches.ts"],
  eval: ["core/", "data/", "train/runtime/", "train/models/", "train/step_record.ts"],
  reports: ["core/"],
  stages: ["core/", "pipeline/", "data/", "train/", "eval/", "reports/"],
  cli: ["core/", "pipeline/", "data/", "train/", "eval/", "reports/", "stages/"],
  tools: ["core/", "pipeline/", "data/", "train/", "eval/", "reports/", "stages/", "cli/"],
  bench: [
    "core/",
    "pipeline/",
    "data/",
    "train/",
    "eval/",
    "reports/",
    "stages/",
    "cli/",
    "tools/",
  ],
  tests: [""],
};

/**
 * Packages that only one place may import: so that they can be replaced there, or because many modules
 * need them (`core/zod.ts` says why that matters).
 */
const SOLE_IMPORTERS: Readonly<Record<string, readonly string[]>> = {
  "onnxruntime-node": ["train/runtime/"],
  "@duckdb/node-api": ["data/store/", "pipeline/store/catalog.ts"],
  "@huggingface/gguf": ["train/models/gguf_tensors.ts"],
  "apache-arrow": ["data/store/"],
  "@resvg/resvg-wasm": ["reports/figures/"],
  "vega": ["reports/figures/"],
  "vega-lite": ["reports/figures/"],
  "@huggingface/hub": ["data/hub/"],
  "@aws-sdk/client-s3": ["pipeline/transfer/"],
  "@aws-sdk/lib-storage": ["pipeline/transfer/"],
  "openai": ["eval/judge/"],
  "p-queue": ["eval/judge/", "eval/serve/"],
  "p-retry": ["eval/judge/"],
  "zod": ["core/zod.ts"],
  "@commander-js/extra-typings": ["cli/commander.ts"],
};

/** Anyone's tests and measurements, and the command that asks whether each package loads. */
const ANY_PACKAGE: readonly string[] = ["tests/", "bench/", "cli/commands/doctor.ts"];

/** The folders that may talk to the network by `fetch`. */
const NETWORK: readonly string[] = [
  ...["data/hub/", "eval/judge/", "pipeline/transfer/"],
  "tests/",
];

const CONSOLE: readonly string[] = ["cli/", "pipeline/reporters/"];
const MAX_LINES = 400;
const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** The project's own rules: who may import whom, how long a file is, who prints, how files are named. */
const plugin: Deno.lint.Plugin = {
  name: "ballast",
  rules: {
    "import-arrows": { create: checkImports },
    "max-lines": {
      create: (context) => ({
        Program(node) {
          const lines = context.sourceCode.text.replace(/\n$/, "").split("\n").length;
          if (lines <= MAX_LINES) return;
          const message = `Expected at most ${MAX_LINES} lines but found ${lines}.`;
          context.report({ node, message, hint: "Split the file by what its parts are about." });
        },
      }),
    },
    "no-console-outside-cli": {
      create: (context) => ({
        'MemberExpression[object.name="console"]'(node: Deno.lint.Node) {
          if (isUnder(pathInProject(context.filename), CONSOLE)) return;
          const message = "Only cli/ and pipeline/reporters/ print.";
          context.report({ node, message, hint: "Emit an event, or take a callback." });
        },
      }),
    },
    "file-names": {
      create: (context) => ({
        Program(node) {
          const name = context.filename.split(/[/\\]/).at(-1)!;
          if (/^[a-z0-9]+(_[a-z0-9]+)*(\.d)?\.tsx?$/.test(name)) return;
          context.report({
            node,
            message: `Expected a file name in snake_case but found ${name}.`,
          });
        },
      }),
    },
  },
};

export default plugin;

function checkImports(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const file = pathInProject(context.filename);
  const check = (node: Deno.lint.Node, source: Deno.lint.Node | null | undefined) => {
    if (source?.type !== "Literal" || typeof source.value !== "string") return;
    const message = importProblem(file, source.value);
    if (message !== null) {
      context.report({ node, message, hint: "See ARCHITECTURE.md, folders and arrows." });
    }
  };
  return {
    ImportDeclaration: (node) => check(node, node.source),
    ExportNamedDeclaration: (node) => check(node, node.source),
    ExportAllDeclaration: (node) => check(node, node.source),
    ImportExpression: (node) => check(node, node.source),
    TSImportType(node) {
      if (node.argument.type === "TSLiteralType") check(node, node.argument.literal);
    },
    CallExpression(node) {
      if (node.callee.type !== "Identifier" || node.callee.name !== "fetch") return;
      if (isUnder(file, NETWORK)) return;
      context.report({ node, message: `Only ${list(NETWORK)} may use the network.` });
    },
  };
}

/**
 * Why a file may not import something, or `null` when it may.
 *
 * @param file path from the project's root, such as `train/losses/rpo.ts`
 * @param specifier as written in the import
 *
 * @example
 * ```ts
 * import { importProblem } from "./lint_plugin.ts";
 * if (importProblem("core/json.ts", "./digest.ts") !== null) throw new Error();
 * if (importProblem("core/json.ts", "../data/pair.ts") === null) throw new Error();
 * ```
 */
export function importProblem(file: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return packageProblem(file, specifier);
  const target = new URL(specifier, `file:///${file}`).pathname.slice(1);
  const [from, to] = [partOf(file), partOf(target)];
  if (from === to || from === "") return null;
  const allowed = ARROWS[from];
  if (allowed === undefined) {
    return `Expected ${from}/ in the table of imports of tools/lint_plugin.ts.`;
  }
  if (isUnder(target, allowed)) return null;
  const choice = allowed.length === 0 ? "nothing outside itself" : list(allowed);
  return `${from}/ may import ${choice}, but not ${target}.`;
}

function packageProblem(file: string, specifier: string): string | null {
  const name = packageName(specifier);
  const importers = Object.hasOwn(SOLE_IMPORTERS, name) ? SOLE_IMPORTERS[name] : undefined;
  if (importers === undefined || isUnder(file, [...importers, ...ANY_PACKAGE])) return null;
  return `Only ${list(importers)} may import ${name}.`;
}

/** `@scope/name` or `name`, without `npm:`, version and subpath. */
function packageName(specifier: string): string {
  const parts = specifier.replace(/^npm:\/?/, "").split("/");
  const name = specifier.includes("@") && parts[0].startsWith("@")
    ? parts.slice(0, 2).join("/")
    : parts[0];
  return name.replace(/(?<=.)@.*$/, "");
}

function partOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : "";
}

function isUnder(path: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => path.startsWith(prefix));
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function pathInProject(filename: string): string {
  const path = filename.startsWith(ROOT) ? filename.slice(ROOT.length) : filename;
  return path.replaceAll("\\", "/").replace(/^\.\//, "");
}
