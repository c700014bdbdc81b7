import { fileURLToPath } from "node:url";

/** A Python with `lm_eval[api]` and `openai`: BALLAST_HARNESS_PYTHON, else BALLAST_PYTHON, else `python3`. */
const PYTHON = Deno.env.get("BALLAST_HARNESS_PYTHON") ?? Deno.env.get("BALLAST_PYTHON") ??
  "python3";

/** Whether that Python has some modules. */
export async function hasModules(...names: readonly string[]): Promise<boolean> {
  try {
    const args = ["-c", `import ${names.join(", ")}`];
    return (await new Deno.Command(PYTHON, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Runs a script of this folder on a request, without network but this machine's own.
 *
 * @returns what it printed
 * @throws Error with its standard error when it fails
 */
export async function runPython(script: string, request: object): Promise<string> {
  const child = new Deno.Command(PYTHON, {
    args: [fileURLToPath(new URL(script, import.meta.url))],
    env: { HF_HUB_OFFLINE: "1", HF_DATASETS_OFFLINE: "1", CUDA_VISIBLE_DEVICES: "" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(request)));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
