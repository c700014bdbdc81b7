import { join, relative } from "node:path";
import { digestJson, sha256 } from "../core/digest.ts";
import { withKnownJson } from "../core/json.ts";
import { ExpectedError } from "../core/problem.ts";
import type { GraphModule, ModuleGraph } from "./module_graph.ts";

/** The code that a stage runs. */
export interface CodeFields {
  /** Digest of each module's tokens, by path relative to the project; comments do not count. */
  readonly modules: Readonly<Record<string, string>>;
  /** npm packages that the modules reach, all they depend on included, as `name@version`. */
  readonly packages: readonly string[];
}

/** Remembers digests by path, size and time of change, so that unchanged files are not read again. */
export interface DigestMemory {
  get(
    path: string,
  ): { readonly size: number; readonly mtime: number; readonly digest: string } | undefined;
  set(path: string, entry: { size: number; mtime: number; digest: string }): void;
}

/** The module graph below one root, from which each stage's code is read off. */
export class CodeIndex {
  #modules: Map<string, GraphModule>;
  #digests = new Map<string, Promise<string>>();
  #codes = new Map<string, Promise<CodeFields>>();

  /**
   * @param graph the graph below a root that imports every stage
   * @param memory where the digests of unchanged files are found
   */
  constructor(
    readonly graph: ModuleGraph,
    private readonly projectFolder: string,
    private readonly memory: DigestMemory,
  ) {
    this.#modules = new Map(graph.modules.map((module) => [module.specifier, module]));
  }

  /**
   * The code reached from a module (a file URL), by imports of values alone; types are not code.
   *
   * @throws ExpectedError when a module cannot be found in the graph
   */
  code(module: string): Promise<CodeFields> {
    let code = this.#codes.get(module);
    if (code === undefined) {
      code = this.#codeBelow(module);
      this.#codes.set(module, code);
    }
    return code;
  }

  async #codeBelow(module: string): Promise<CodeFields> {
    const reached = new Map<string, GraphModule>();
    const packages = new Set<string>();
    const open = [module];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const specifier = this.graph.redirects[next] ?? next;
      if (reached.has(specifier)) continue;
      const found = this.#modules.get(specifier);
      if (found === undefined) {
        if (specifier.startsWith("node:")) continue;
        throw new ExpectedError(`The module graph holds no ${specifier}; is its import right?`);
      }
      reached.set(specifier, found);
      if (found.npmPackage !== undefined) this.#addPackage(found.npmPackage, packages);
      for (const { code } of found.dependencies ?? []) {
        if (code?.specifier !== undefined) open.push(code.specifier);
      }
    }
    const files = [...reached.values()].flatMap(({ local }) => local === undefined ? [] : [local]);
    const digests = await Promise.all(files.map((path) => this.#digest(path)));
    const entries = files.map((path, i) => [relative(this.projectFolder, path), digests[i]]);
    return withKnownJson({
      modules: Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))),
      packages: [...packages].sort(),
    });
  }

  /**
   * Modules whose source is no longer what `code` found: edited while a stage ran, so that its result
   * may be of either version.
   */
  async editedSince(code: CodeFields): Promise<readonly string[]> {
    const names = Object.keys(code.modules);
    const digests = await Promise.all(
      names.map((name) => this.#freshDigest(join(this.projectFolder, name)).catch(() => "gone")),
    );
    return names.filter((name, i) => digests[i] !== code.modules[name]);
  }

  #addPackage(id: string, packages: Set<string>): void {
    const name = id.replace(/_.*$/, "");
    if (packages.has(name)) return;
    packages.add(name);
    for (const dependency of this.graph.npmPackages[id]?.dependencies ?? []) {
      this.#addPackage(dependency, packages);
    }
  }

  #digest(path: string): Promise<string> {
    let digest = this.#digests.get(path);
    if (digest === undefined) {
      digest = this.#freshDigest(path);
      this.#digests.set(path, digest);
    }
    return digest;
  }

  async #freshDigest(path: string): Promise<string> {
    const { size, mtime } = await Deno.stat(path);
    const time = mtime?.getTime() ?? 0;
    const known = this.memory.get(path);
    if (known !== undefined && known.size === size && known.mtime === time) return known.digest;
    const text = await Deno.readTextFile(path);
    const digest = await sourceDigest(text, path);
    this.memory.set(path, { size, mtime: time, digest });
    return digest;
  }
}

async function sourceDigest(text: string, path: string): Promise<string> {
  if (path.endsWith(".json")) return digestJson(JSON.parse(text));
  const { normaliseSource } = await import("./normalise_source.ts");
  return sha256(normaliseSource(text));
}
