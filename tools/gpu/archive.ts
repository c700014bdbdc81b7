import { join } from "node:path";

/** The packages that training needs; others are left out of what is carried. */
const PACKAGES = ["@huggingface/gguf", "onnxruntime-node", "zod"];

/**
 * A tar archive of the project's files, under `app/`, with the packages that training needs, those of
 * Linux on x64 alone, and a configuration that asks for no others.
 *
 * @param folder the project's
 * @param cache where it is made
 */
export async function archiveOf(folder: string, cache: string): Promise<string> {
  const staging = join(cache, "staging");
  await Deno.remove(staging, { recursive: true }).catch(() => {});
  const app = join(staging, "app");
  const names = (await run("git", ["ls-files", "-co", "--exclude-standard", "-z"], folder))
    .split("\0").filter((name) => name !== "");
  for (const name of names) {
    const to = join(app, name);
    await Deno.mkdir(join(to, ".."), { recursive: true });
    // A file that was removed and not yet committed is listed all the same.
    await Deno.copyFile(join(folder, name), to).catch(() => {});
  }
  const config = JSON.parse(await Deno.readTextFile(join(app, "deno.json")));
  const imports = Object.fromEntries(
    Object.entries(config.imports).filter(([name]) =>
      PACKAGES.includes(name) || name.startsWith("ballast/")
    ),
  );
  await Deno.remove(join(app, "deno.lock"));
  await Deno.writeTextFile(join(app, "deno.json"), JSON.stringify({ ...config, imports }));
  await run(Deno.execPath(), ["install"], app);
  await removeOtherPlatforms(join(app, "node_modules"));
  const archive = join(cache, "app.tar");
  const stable = ["--sort=name", "--mtime=2000-01-01", "--owner=0", "--group=0", "--numeric-owner"];
  await run("tar", [...stable, "-cf", archive, "-C", staging, "app"], staging);
  return archive;
}

/** ONNX Runtime's package brings a library for each platform, and its WebAssembly. */
async function removeOtherPlatforms(modules: string): Promise<void> {
  for await (const path of walk(modules)) {
    const isOther = /\/bin\/napi-v6\/(darwin|win32)\//.test(path) ||
      /\/linux\/arm64\//.test(path) || path.endsWith(".wasm") ||
      path.includes("libonnxruntime_providers_");
    if (isOther) await Deno.remove(path);
  }
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* walk(path);
    else if (isFile) yield path;
  }
}

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd })
    .output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
}
