import { fileURLToPath } from "node:url";

/** Whether a Python is there and has some modules. */
export async function hasModules(python: string, ...names: readonly string[]): Promise<boolean> {
  try {
    const args = ["-c", `import ${names.join(", ")}`];
    return (await new Deno.Command(python, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Runs a script on a request, without network but this machine's own.
 *
 * @returns what it printed
 * @throws Error with its standard error when it fails
 */
export async function runPython(python: string, script: URL, request: unknown): Promise<string> {
  const child = new Deno.Command(python, {
    args: [fileURLToPath(script)],
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
