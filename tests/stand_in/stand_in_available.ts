import { join } from "node:path";
import { PROVIDER, providerFolder } from "../../train/runtime/cuda/cuda_installation.ts";

const VARIABLE = "BALLAST_CUDA_PROVIDER";

/** The folder of the provider's two libraries, or why there is no stand-in here. */
export type Available = { readonly provider: string } | { readonly unavailable: string };

/** Looks where `deno task setup:cuda` puts the provider, or where the environment says that it is. */
export async function standInAvailable(): Promise<Available> {
  const { os, arch } = Deno.build;
  if (os !== "linux" || arch !== "x86_64") return { unavailable: "the provider is for Linux x64" };
  for (const program of ["cc", "nm"]) {
    if (!await isInstalled(program)) {
      return { unavailable: `${program} not installed (apt-get install gcc)` };
    }
  }
  const provider = Deno.env.get(VARIABLE) ?? providerFolder();
  const files = Object.entries(PROVIDER.files);
  if (files.every(([name, { bytes }]) => sizeOf(join(provider, name)) === bytes)) {
    return { provider };
  }
  return {
    unavailable: `no CUDA provider: npm pack ${PROVIDER.package}@${PROVIDER.version}, unpack it, ` +
      `and name its folder package/${PROVIDER.folder} in ${VARIABLE}`,
  };
}

async function isInstalled(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

function sizeOf(path: string): number | null {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
