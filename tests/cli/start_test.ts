import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { GRAPH_ROOT } from "../../cli/session.ts";

interface Module {
  readonly specifier: string;
  readonly npmPackage?: string;
  readonly dependencies?: readonly {
    readonly isDynamic?: boolean;
    readonly code?: { readonly specifier?: string };
  }[];
}

/** Project modules and packages that a module imports, directly or not, at the latest when it is loaded. */
async function loadedBy(path: string) {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(new URL(`../../${path}`, import.meta.url))],
    cwd: GRAPH_ROOT.projectFolder,
  }).output();
  const { modules, redirects, roots } = JSON.parse(new TextDecoder().decode(stdout)) as {
    readonly modules: readonly Module[];
    readonly redirects: Readonly<Record<string, string>>;
    readonly roots: readonly string[];
  };
  const known = new Map(modules.map((module) => [module.specifier, module]));
  const reached = new Set<string>();
  const importers = new Map<string, Set<string>>();
  const visit = (asked: string, importer: string): void => {
    const specifier = redirects[asked] ?? asked;
    const module = known.get(specifier);
    if (module?.npmPackage !== undefined) {
      const name = module.npmPackage.replace(/(.)@.*/, "$1");
      importers.set(name, (importers.get(name) ?? new Set()).add(importer));
      return;
    }
    if (module === undefined || reached.has(specifier)) return;
    reached.add(specifier);
    for (const { isDynamic, code } of module.dependencies ?? []) {
      if (code?.specifier !== undefined && !isDynamic) visit(code.specifier, specifier);
    }
  };
  roots.forEach((root) => visit(root, ""));
  const files = [...reached].filter((specifier) => specifier.startsWith("file:"));
  return { files, importers: new Map([...importers].map(([name, by]) => [name, by.size])) };
}

// A run that has nothing to do is little else than loading these modules.
for (const command of ["reproduce", "plan"]) {
  Deno.test(`what ${command} loads before it knows what to do: no package but zod, in one place`, async () => {
    const { files, importers } = await loadedBy(`cli/commands/${command}.ts`);
    assert.deepEqual([...importers], [["zod", 1]]);
    const heavy = /\/train\/(gradient_graph|losses\/losses|graph\/lower|models\/transformer)\.ts$/;
    assert.deepEqual(files.filter((file) => heavy.test(file)), []);
    assert(files.length > 100, "the stages are among them");
  });
}

Deno.test("what every command loads: the library that reads the command line, in one place", async () => {
  const { importers } = await loadedBy("cli/main.ts");
  assert.deepEqual([...importers], [["@commander-js/extra-typings", 1]]);
});
