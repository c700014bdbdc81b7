/**
 * Builds libraries that stand in for CUDA's, and a copy of ONNX Runtime's folder that the real CUDA
 * provider lies in, all in a temporary folder: nothing is put into `node_modules`. A child started by
 * `underStandIn` takes that copy for its ONNX Runtime.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import {
  CUDA_LIBRARIES,
  OPTIONAL_LIBRARIES,
  PROVIDER,
} from "../../train/runtime/cuda/cuda_installation.ts";
import { libraryFile, libraryPath } from "../../train/runtime/library_path.ts";

const PROJECT = new URL("../../", import.meta.url);
const SOURCE = fileURLToPath(import.meta.resolve("./cuda_stand_in.c"));
const CUDART = CUDA_LIBRARIES[0];
/** Without `libcudnn`, which a machine need not have. */
const LIBRARIES = [...CUDA_LIBRARIES, OPTIONAL_LIBRARIES[0]];

/** What children are started with. */
export interface StandIn extends Disposable {
  /** The import map that points at the copy of ONNX Runtime's folder. */
  readonly importMap: string;
}

/**
 * Builds it.
 *
 * @param provider the folder of the provider's two libraries
 * @throws Error with the compiler's words when it cannot
 */
export async function buildStandIn(provider: string): Promise<StandIn> {
  const folder = await Deno.makeTempDir({ prefix: "ballast_stand_in_" });
  using stack = new DisposableStack();
  stack.defer(() => Deno.removeSync(folder, { recursive: true }));
  const symbols = await wantedSymbols(join(provider, "libonnxruntime_providers_cuda.so"));
  for (const library of LIBRARIES) {
    await compile(join(folder, library), { library, names: symbols.get(library) ?? [] });
  }
  await layOutPackage(folder, provider);
  const importMap = join(folder, "import_map.json");
  await Deno.writeTextFile(importMap, JSON.stringify({ imports: importsWith(folder) }));
  const built = stack.move();
  return { importMap, [Symbol.dispose]: () => built.dispose() };
}

/** A command of Deno's whose modules find the stand-in, with named permissions. */
export function underStandIn({ importMap }: StandIn, files: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "--no-prompt", "--no-lock", "--cached-only", "--no-check"],
      // As it lies there: nothing is installed.
      "--node-modules-dir=manual",
      `--import-map=${importMap}`,
      ...["--allow-read", "--allow-env", "--allow-sys", "--allow-ffi"],
      ...files,
    ],
    cwd: fileURLToPath(PROJECT),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** What the provider takes from each of CUDA's libraries, by name. */
async function wantedSymbols(provider: string): Promise<Map<string, string[]>> {
  const listed = await output("nm", ["-D", "--undefined-only", "--with-symbol-versions", provider]);
  const found = new Map<string, string[]>();
  for (const [, name, library] of listed.matchAll(/ U (\w+)@(\S+)$/gm)) {
    if (!(LIBRARIES as readonly string[]).includes(library)) continue;
    found.set(library, [...found.get(library) ?? [], name]);
  }
  return found;
}

/** Compiles one of CUDA's libraries, with the symbols' versions that the provider asks for. */
async function compile(
  path: string,
  { library, names }: { readonly library: string; readonly names: readonly string[] },
): Promise<void> {
  const exported = [...names, ...(library === CUDART ? ["stand_in_*"] : [])];
  const global = exported.length === 0 ? "" : `global: ${exported.join("; ")}; `;
  await Deno.writeTextFile(`${path}.map`, `${library} { ${global}local: *; };\n`);
  await Deno.writeTextFile(`${path}.c`, `${names.map(doesNothing).join("\n")}\n`);
  await output("cc", [
    ...["-shared", "-fPIC", "-O1", "-o", path, `-Wl,-soname,${library}`],
    ...[`-Wl,--version-script=${path}.map`, `${path}.c`, SOURCE],
  ]);
}

/** A function that gives way to one of the same name in cuda_stand_in.c. */
function doesNothing(name: string): string {
  return name.includes("Create")
    ? `__attribute__((weak)) int ${name}(void **out) { static char made[256]; *out = made; return 0; }`
    : `__attribute__((weak)) int ${name}(void) { return 0; }`;
}

/** Puts the provider beside a copy of ONNX Runtime's library, and the record that setup:cuda leaves. */
async function layOutPackage(folder: string, provider: string): Promise<void> {
  const library = join(folder, libraryFile(Deno.build)!);
  await Deno.mkdir(dirname(library), { recursive: true });
  // A copy, since it looks for providers where it really lies.
  await Deno.copyFile(libraryPath()!, library);
  for (const name of Object.keys(PROVIDER.files)) {
    await Deno.symlink(join(provider, name), join(dirname(library), name));
  }
  const libraries = LIBRARIES.map((name) => join(folder, name));
  const record = { onnxruntime: PROVIDER.onnxruntime, libraries };
  await Deno.writeTextFile(join(dirname(library), "ballast_cuda.json"), JSON.stringify(record));
  await Deno.mkdir(join(folder, "dist"));
  await Deno.writeTextFile(join(folder, "dist/index.js"), "export {};\n");
}

/** The project's imports, but ONNX Runtime's package from the folder. */
function importsWith(folder: string): Record<string, string> {
  const absolute = Object.entries(config.imports).map(([name, target]) => [
    name,
    target.startsWith("./") ? new URL(target, PROJECT).href : target,
  ]);
  return { ...Object.fromEntries(absolute), "onnxruntime-node": join(folder, "dist/index.js") };
}

async function output(command: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  if (!success) throw new Error(`${command} fails: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
