/**
 * Puts ONNX Runtime's CUDA provider beside its library, and notes where CUDA's own libraries are.
 *
 *     deno task setup:cuda [--from FOLDER] [--libraries FOLDER]
 *
 * `--from` names a folder that holds the provider's files, where there is no network to fetch them;
 * `--libraries` one that holds CUDA's. docs/cuda.md says more.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { digestFile } from "../../core/digest.ts";
import {
  installationFile,
  PROVIDER,
  providerFolder,
} from "../../train/runtime/cuda/cuda_installation.ts";
import { loadLibrary } from "../../train/runtime/onnxruntime_library.ts";
import { printNotice, printResult } from "../../cli/output.ts";
import { findLibraries } from "./find_libraries.ts";
import { missingOfProvider } from "./missing_of_provider.ts";

const { values } = parseArgs({
  options: { from: { type: "string" }, libraries: { type: "string" } },
});

/** Installs; gives the exit code. */
async function setUp(): Promise<number> {
  const loaded = loadLibrary();
  if ("unavailable" in loaded) return refuse(`ONNX Runtime: ${loaded.unavailable}.`);
  const { version } = loaded.library;
  if (version !== PROVIDER.onnxruntime) {
    return refuse(
      `Expected ONNX Runtime ${PROVIDER.onnxruntime}, which the CUDA provider belongs to, but ` +
        `found ${version}.`,
    );
  }
  const { libraries, missing } = await findLibraries(values.libraries);
  const notThere = values.from === undefined ? null : await missingOfProvider(values.from);
  const problems = [
    ...(notThere === null ? [] : [`--from: ${notThere}`]),
    ...(missing.length === 0 ? [] : [
      `Found nowhere: ${
        missing.join(", ")
      }. Install CUDA 13 or PyTorch's wheels with it, or name ` +
      "the folder with --libraries.",
    ]),
  ];
  if (problems.length > 0) return refuse(problems.join("\n"));
  const problem = await installProvider();
  if (problem !== null) return refuse(problem);
  const record = { onnxruntime: version, provider: PROVIDER, libraries };
  await Deno.writeTextFile(installationFile(), `${JSON.stringify(record, null, 2)}\n`);
  printResult(`ONNX Runtime ${version} with CUDA; libraries:\n${libraries.join("\n")}`);
  return 0;
}

/** Copies what is not there yet; gives what is wrong with it. */
async function installProvider(): Promise<string | null> {
  const to = providerFolder();
  const wanted = Object.entries(PROVIDER.files);
  const isThere = async ([name, { sha256 }]: typeof wanted[number]) =>
    await digestOf(join(to, name)) === sha256;
  if ((await Promise.all(wanted.map(isThere))).every(Boolean)) return null;
  using source = values.from === undefined
    ? await fetchProvider()
    : { folder: values.from, [Symbol.dispose]() {} };
  for (const [name, { sha256 }] of wanted) {
    const temporary = join(to, `${name}.tmp`);
    await Deno.copyFile(join(source.folder, name), temporary);
    const found = await digestOf(temporary);
    if (found !== sha256) {
      await Deno.remove(temporary);
      return `${name}: expected SHA-256 ${sha256} but found ${found}.`;
    }
    await Deno.rename(temporary, join(to, name));
  }
  return null;
}

/** Fetches the provider's package with Deno's own npm client. */
async function fetchProvider(): Promise<Disposable & { readonly folder: string }> {
  const folder = await Deno.makeTempDir();
  const { package: name, version } = PROVIDER;
  printNotice(`Fetching ${name} ${version} (180 MB) …`);
  const imports = { provider: `npm:${name}@${version}` };
  await Deno.writeTextFile(
    join(folder, "deno.json"),
    JSON.stringify({ imports, nodeModulesDir: "auto" }),
  );
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["install"],
    cwd: folder,
    stdout: "null",
  }).output();
  if (!success) throw new Error(`${name} could not be fetched.`);
  return {
    folder: join(folder, "node_modules", name, PROVIDER.folder),
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

async function digestOf(path: string): Promise<string | null> {
  try {
    return (await digestFile(path)).sha256;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function refuse(why: string): number {
  printNotice(why);
  return 1;
}

Deno.exit(await setUp());
