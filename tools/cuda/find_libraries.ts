import { join } from "node:path";
import { CUDA_LIBRARIES, OPTIONAL_LIBRARIES } from "../../train/runtime/cuda/cuda_installation.ts";

/** Paths of CUDA's libraries, and the names of those that are nowhere. */
export interface FoundLibraries {
  readonly libraries: readonly string[];
  readonly missing: readonly string[];
}

/** Where toolkits put their libraries. */
const TOOLKITS = ["/usr/local/cuda/lib64", "/usr/local/cuda-13/lib64", "/usr/local/nvidia/lib64"];

/** Where wheels of NVIDIA's put theirs, from a folder that Python imports from. */
const WHEELS = [
  "nvidia/cu13/lib",
  "nvidia/cudnn/lib",
  "nvidia/cuda_runtime/lib",
  "nvidia/cublas/lib",
  "nvidia/curand/lib",
  "nvidia/cufft/lib",
];

/**
 * Looks for CUDA 13's libraries: in the folder given, where the system keeps its own, in toolkits, in
 * Python's packages. All come from one folder where one has them all.
 */
export async function findLibraries(folder?: string): Promise<FoundLibraries> {
  const folders = [
    ...(folder === undefined ? [] : [folder]),
    ...await systemFolders(),
    ...TOOLKITS,
    ...(await pythonFolders()).flatMap((path) => WHEELS.map((wheel) => join(path, wheel))),
  ];
  const complete = folders.find((path) => CUDA_LIBRARIES.every((name) => isFile(join(path, name))));
  const ordered = complete === undefined ? folders : [complete, ...folders];
  const find = (name: string) => ordered.map((path) => join(path, name)).find(isFile);
  return {
    libraries: [...CUDA_LIBRARIES, ...OPTIONAL_LIBRARIES].flatMap((name) => find(name) ?? []),
    missing: CUDA_LIBRARIES.filter((name) => find(name) === undefined),
  };
}

/** The folders in which the system's loader knows one of the libraries. */
async function systemFolders(): Promise<string[]> {
  const wanted: readonly string[] = [...CUDA_LIBRARIES, ...OPTIONAL_LIBRARIES];
  const lines = (await outputOf("ldconfig", ["-p"])).split("\n");
  const folders = lines.flatMap((line) => {
    const match = /^\s*(\S+) .*=> (.*)\/[^/]+$/.exec(line);
    return match !== null && wanted.includes(match[1]) ? [match[2]] : [];
  });
  return [...new Set(folders)];
}

/** The folders that `python3` imports packages from. */
async function pythonFolders(): Promise<string[]> {
  const text = await outputOf("python3", ["-c", "import sys; print('\\n'.join(sys.path))"]);
  return text.split("\n").filter((path) => path !== "");
}

/** What a command prints; nothing when it is not there or fails. */
async function outputOf(command: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await new Deno.Command(command, { args: [...args], stderr: "null" })
      .output();
    return new TextDecoder().decode(stdout);
  } catch {
    return "";
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
