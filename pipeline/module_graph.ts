import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatChecked, parseChecked } from "../core/checked_json.ts";
import { ExpectedError } from "../core/problem.ts";
import { fileStamp } from "./file_stamp.ts";
import type { Store } from "./store/store.ts";
import { readTextIfThere, writeAtomically } from "../core/write_atomically.ts";

/** One module, as `deno info --json` tells it. */
export interface GraphModule {
  readonly specifier: string;
  /** Path of its file, for modules of the project. */
  readonly local?: string;
  readonly npmPackage?: string;
  readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
}

/** All that a root module imports, directly or not, dynamic imports with literal names included. */
export interface ModuleGraph {
  readonly modules: readonly GraphModule[];
  readonly redirects: Readonly<Record<string, string>>;
  readonly npmPackages: Readonly<Record<string, { readonly dependencies: readonly string[] }>>;
}

/** Where the graph begins, and what it hangs on beside the modules themselves. */
export interface GraphRoot {
  /** URL of the root module. */
  readonly root: string;
  readonly projectFolder: string;
  /** The Deno executable. */
  readonly deno: string;
}

/** A graph as the store remembers it. */
interface KeptGraph {
  readonly root: string;
  readonly stamp: string;
  readonly graph: ModuleGraph;
}

/**
 * The graph below a root. One that the store remembers is used again while size and time of every
 * module, of `deno.json` and of `deno.lock` are the same; only such a file can change the graph.
 *
 * @throws ExpectedError with Deno's own words when the graph cannot be made
 */
export async function moduleGraph(root: GraphRoot, store: Store): Promise<ModuleGraph> {
  const known = parseChecked(readTextIfThere(placeOf(store))) as KeptGraph | null;
  if (known?.root === root.root && known.stamp === stampOf(known.graph, root)) {
    remembered.add(known.graph);
    return known.graph;
  }
  return await askDeno(root);
}

/** Graphs that came from a store, where they still are. */
const remembered = new WeakSet<ModuleGraph>();

/** Remembers a graph in the store, unless it came from there. */
export async function rememberGraph(
  graph: ModuleGraph,
  root: GraphRoot,
  store: Store,
): Promise<void> {
  if (remembered.has(graph)) return;
  const kept: KeptGraph = { root: root.root, stamp: stampOf(graph, root), graph };
  await writeAtomically(placeOf(store), formatChecked(kept), store.folder("tmp"));
}

function placeOf(store: Store): string {
  return join(store.path, "module_graph.json");
}

/** Sizes and times of all that the graph hangs on; "" when one of them is gone. */
function stampOf({ modules }: ModuleGraph, { projectFolder, deno }: GraphRoot): string {
  const files = modules.flatMap(({ local }) => local === undefined ? [] : [local]);
  const settings = ["deno.json", "deno.lock"].map((name) => join(projectFolder, name));
  try {
    return `${deno}\n${fileStamp([...settings, ...files])}`;
  } catch {
    return "";
  }
}

async function askDeno({ root, projectFolder, deno }: GraphRoot): Promise<ModuleGraph> {
  const { success, stdout, stderr } = await new Deno.Command(deno, {
    args: ["info", "--json", fileURLToPath(root)],
    cwd: projectFolder,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new ExpectedError(`deno info failed: ${decoder.decode(stderr).trim()}`);
  const { modules, redirects, npmPackages } = JSON.parse(decoder.decode(stdout)) as ModuleGraph;
  return {
    modules: modules.map(({ specifier, local, npmPackage, dependencies }) => ({
      specifier,
      local,
      npmPackage,
      dependencies: dependencies?.flatMap(({ code }) =>
        code?.specifier === undefined ? [] : [{ code: { specifier: code.specifier } }]
      ),
    })),
    redirects,
    npmPackages: Object.fromEntries(
      Object.entries(npmPackages).map(([id, { dependencies }]) => [id, { dependencies }]),
    ),
  };
}
