import { dirname, join } from "node:path";
import { digestFile, sha256 } from "../../../core/digest.ts";
import { ExpectedError } from "../../../core/problem.ts";
import { libraryPath } from "../library_path.ts";

/** A file of the provider's. */
export interface ProviderFile {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * The provider's libraries that belong to one version of ONNX Runtime. Others load without a word,
 * and call functions that are not where they think.
 */
export const PROVIDER = {
  onnxruntime: "1.29.0",
  package: "com.github.asus4.onnxruntime.linux-x64-gpu",
  version: "0.4.9",
  folder: "Plugins/Linux/x64",
  files: {
    "libonnxruntime_providers_shared.so": {
      sha256: "c6a12593396095f5670160e284c35d1700b7708cf3037b7042e2a5200ccae772",
      bytes: 14632,
    },
    "libonnxruntime_providers_cuda.so": {
      sha256: "56cf3254b118ad837ccc4ed8f6d1b23504bbf7ef91b34cbc0b289cb7f10b3037",
      bytes: 229780440,
    },
  } satisfies Readonly<Record<string, ProviderFile>>,
} as const;

/**
 * What the provider needs of CUDA 13, by the names that it asks for, in an order in which each finds
 * those it needs itself.
 */
export const CUDA_LIBRARIES = [
  "libcudart.so.13",
  "libcublasLt.so.13",
  "libcublas.so.13",
  "libcurand.so.10",
  "libcufft.so.12",
] as const;

/**
 * What is loaded when it is there: the driver, which is elsewhere found by itself, and what a few
 * reductions are computed with.
 */
export const OPTIONAL_LIBRARIES = ["libcuda.so.1", "libcudnn.so.9"] as const;

/** The record that `deno task setup:cuda` leaves beside the libraries. */
export interface CudaInstallation {
  readonly onnxruntime: string;
  /** Paths of CUDA's libraries, in the order in which they are loaded, `libcudart` first. */
  readonly libraries: readonly string[];
}

/** Whether `deno task setup:cuda` has run here. */
export function isInstalled(): boolean {
  try {
    return Deno.statSync(installationFile()).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The folder that ONNX Runtime looks for providers in: its own. */
export function providerFolder(): string {
  const path = libraryPath();
  if (path === null) throw new ExpectedError("ONNX Runtime has no library for this platform.");
  return dirname(Deno.realPathSync(path));
}

/** Where the record lies. */
export function installationFile(folder: string = providerFolder()): string {
  return join(folder, "ballast_cuda.json");
}

const REMEDY = "Run deno task setup:cuda.";

/** Bytes of a file that each start digests; the other one takes a second. */
const DIGESTED_AT_START = 1 << 20;

/**
 * What `deno task setup:cuda` installed. Of the provider's files the small one is digested, of the
 * other the size compared; `requireDigests` does more.
 *
 * @param version of the ONNX Runtime that is loaded
 * @param folder that of the provider
 * @throws ExpectedError when it installed nothing, or for another version, or something has been
 *   changed or removed since
 */
export function requireInstalled(
  version: string,
  folder: string = providerFolder(),
): CudaInstallation {
  let installation: CudaInstallation;
  try {
    installation = JSON.parse(Deno.readTextFileSync(installationFile(folder)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new ExpectedError(`ONNX Runtime's CUDA provider is not installed. ${REMEDY}`);
  }
  refuse([
    ...versionProblems(installation.onnxruntime, version),
    ...providerFiles(folder).flatMap(([path, file]) => {
      const problems = fileProblems(path, file.bytes);
      if (problems.length > 0 || file.bytes > DIGESTED_AT_START) return problems;
      return digestProblems(path, file, sha256(Deno.readFileSync(path)));
    }),
    ...installation.libraries.flatMap((path) => fileProblems(path)),
  ]);
  return installation;
}

/**
 * Holds the provider's files to their digests, whole: 230 MB.
 *
 * @param folder that of the provider
 * @throws ExpectedError that names each file that is another one or missing
 */
export async function requireDigests(folder: string = providerFolder()): Promise<void> {
  const problems: string[] = [];
  for (const [path, file] of providerFiles(folder)) {
    const others = fileProblems(path, file.bytes);
    if (others.length > 0) problems.push(...others);
    else problems.push(...digestProblems(path, file, (await digestFile(path)).sha256));
  }
  refuse(problems);
}

function providerFiles(folder: string): (readonly [path: string, file: ProviderFile])[] {
  return Object.entries(PROVIDER.files).map(([name, file]) => [join(folder, name), file]);
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new ExpectedError(`${problems.join(" ")} ${REMEDY}`);
}

function digestProblems(path: string, { sha256 }: ProviderFile, found: string): string[] {
  return found === sha256 ? [] : [`${path}: expected SHA-256 ${sha256} but found ${found}.`];
}

function versionProblems(installed: string, running: string): string[] {
  if (installed === running && running === PROVIDER.onnxruntime) return [];
  return [
    `Expected ONNX Runtime ${PROVIDER.onnxruntime}, which the CUDA provider belongs to, but found ` +
    `${running}, and a provider installed for ${installed}.`,
  ];
}

function fileProblems(path: string, bytes?: number): string[] {
  try {
    const { size } = Deno.statSync(path);
    if (bytes === undefined || size === bytes) return [];
    return [`${path}: expected ${bytes} bytes but found ${size}.`];
  } catch (error) {
    // A stage may not look where CUDA lies; loading it says what is wrong.
    if (error instanceof Deno.errors.NotCapable) return [];
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return [`${path} is missing.`];
  }
}
