import assert from "node:assert/strict";
import { CodeIndex } from "../../pipeline/code_digest.ts";
import { moduleGraph, rememberGraph } from "../../pipeline/module_graph.ts";
import { Store } from "../../pipeline/store/store.ts";
import { normaliseSource } from "../../pipeline/normalise_source.ts";

const normal = (source: string) => normaliseSource(source);

Deno.test("normaliseSource() is blind to comments, spacing and trailing commas", () => {
  const plain = "export function f(a: number, b: number) { return [a, b]; }";
  const other = `
    /** Says what it does. */
    export function f(
      a: number, // the first
      b: number,
    ) {
      /* inside */
      return [
        a,
        b,
      ];
    }`;
  assert.equal(normal(other), normal(plain));
});

Deno.test("normaliseSource() sees every change of a token, in texts and templates too", () => {
  const base = "const a = `x ${1 + 2} // y`; const r = /a b/g;";
  for (
    const edited of [
      "const a = `x ${1 + 3} // y`; const r = /a b/g;",
      "const a = `x ${1 + 2} // z`; const r = /a b/g;",
      "const a = `x ${1 + 2} // y`; const r = /a  b/g;",
      "const a = `x ${1 + 2} // y`; const r = /a b/;",
    ]
  ) assert.notEqual(normal(edited), normal(base));
});

Deno.test("normaliseSource() sees a line end that ends a statement", () => {
  assert.notEqual(normal("function f() { return\n1; }"), normal("function f() { return 1; }"));
  assert.equal(normal("function f() { return [\n1]; }"), normal("function f() { return [1]; }"));
});

Deno.test("normaliseSource() keeps the holes of arrays", () => {
  assert.notEqual(normal("const a = [1, ,];"), normal("const a = [1];"));
});

async function project(files: Record<string, string>): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "ballast-code-" });
  await Deno.writeTextFile(`${folder}/deno.json`, "{}");
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  return folder;
}

async function open(folder: string): Promise<CodeIndex> {
  const root = {
    root: `file://${folder}/registry.ts`,
    projectFolder: folder,
    deno: Deno.execPath(),
  };
  const graph = await moduleGraph(root, Store.open(`${folder}/store`));
  return new CodeIndex(graph, folder, { get: () => undefined, set: () => {} });
}

async function codeOf(folder: string) {
  const index = await open(folder);
  return (await index.code(`file://${folder}/stage.ts`)).modules;
}

Deno.test("CodeIndex finds what a stage runs: imports, dynamic ones too, but neither types nor other stages", async () => {
  const folder = await project({
    "registry.ts": 'import "./stage.ts"; import "./other.ts";',
    "stage.ts":
      'import type { T } from "./types.ts"; import { a } from "./a.ts"; export const run = async (t: T) => [a, t, await import("./late.ts")];',
    "types.ts": "export type T = number;",
    "a.ts": 'export { b as a } from "./b.ts";',
    "b.ts": "export const b = 1;",
    "late.ts": "export const late = 2;",
    "other.ts": "export const other = 3;",
  });
  try {
    const before = await codeOf(folder);
    assert.deepEqual(Object.keys(before), ["a.ts", "b.ts", "late.ts", "stage.ts"]);
    await Deno.writeTextFile(`${folder}/b.ts`, "// said again\nexport const b = 1;\n");
    assert.deepEqual(await codeOf(folder), before);
    await Deno.writeTextFile(`${folder}/late.ts`, "export const late = 3;");
    const after = await codeOf(folder);
    assert.deepEqual(Object.keys(after).filter((name) => after[name] !== before[name]), [
      "late.ts",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("CodeIndex tells which modules were edited since it looked", async () => {
  const folder = await project({
    "registry.ts": 'import "./stage.ts";',
    "stage.ts": 'export { a } from "./a.ts";',
    "a.ts": "export const a = 1;",
  });
  try {
    const index = await open(folder);
    const code = await index.code(`file://${folder}/stage.ts`);
    await Deno.writeTextFile(`${folder}/a.ts`, "export const a = 1; // the same");
    assert.deepEqual(await index.editedSince(code), []);
    await Deno.writeTextFile(`${folder}/a.ts`, "export const a = 2;");
    assert.deepEqual(await index.editedSince(code), ["a.ts"]);
    await Deno.remove(`${folder}/a.ts`);
    assert.deepEqual(await index.editedSince(code), ["a.ts"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("moduleGraph() asks Deno again only when one of its files has changed", async () => {
  const folder = await project({ "registry.ts": 'import "./a.ts";', "a.ts": "", "b.ts": "" });
  await Deno.writeTextFile(`${folder}/deno.lock`, '{ "version": "5" }');
  const counting = `#!/bin/sh\necho asked >> ${folder}/asked\nexec ${Deno.execPath()} "$@"\n`;
  await Deno.writeTextFile(`${folder}/deno`, counting, { mode: 0o755 });
  try {
    const store = Store.open(`${folder}/store`);
    const root = {
      root: `file://${folder}/registry.ts`,
      projectFolder: folder,
      deno: `${folder}/deno`,
    };
    const names = async () =>
      (await moduleGraph(root, store)).modules.map(({ local }) => local?.split("/").at(-1));
    const asked = () => Deno.readTextFileSync(`${folder}/asked`).split("\n").length - 1;
    using _lock = await store.lock();
    await rememberGraph(await moduleGraph(root, store), root, store);
    assert.deepEqual(await names(), ["a.ts", "registry.ts"]);
    assert.equal(asked(), 1);
    await Deno.writeTextFile(`${folder}/a.ts`, 'import "./b.ts";');
    assert.deepEqual(await names(), ["a.ts", "b.ts", "registry.ts"]);
    assert.equal(asked(), 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
