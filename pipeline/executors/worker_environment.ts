import type { Resources } from "../stage.ts";

/** Variables that Deno, the system's loader and CUDA's driver read to find things; none is a secret. */
const EVERYWHERE = [
  ...["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "DENO_NO_UPDATE_CHECK"],
  ...["TMPDIR", "TMP", "TEMP", "SYSTEMROOT", "USERPROFILE", "LOCALAPPDATA"],
  ...["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"],
  ...["CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"],
  // Threads of the tokenizers crate.
  "RAYON_NUM_THREADS",
] as const;

/** Variables that say how Deno reaches a network and whom it trusts there; a proxy's may hold a password. */
const NETWORK = [
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
  ...["ALL_PROXY", "all_proxy"],
  ...["DENO_CERT", "DENO_TLS_CA_STORE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"],
] as const;

/** All that workers can get without a stage's declaring it: what the command line must be able to read. */
export const WORKER_VARIABLES: readonly string[] = [...EVERYWHERE, ...NETWORK];

/**
 * The environment of a worker: what programs need to find things, what it takes to reach a network where
 * the stage has one, and the variables that the stage declares. Native libraries read a process's
 * environment whatever Deno permits, so that nothing else may be in it.
 *
 * @param variable gives a variable's value, `undefined` when it is not set; by this process unless given
 */
export function workerEnvironment(
  { environment = [], network = [] }: Pick<Resources, "environment" | "network">,
  variable: (name: string) => string | undefined = (name) => Deno.env.get(name),
): Record<string, string> {
  const names = [...EVERYWHERE, ...(network.length === 0 ? [] : NETWORK), ...environment];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = variable(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
