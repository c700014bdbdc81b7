import { join } from "node:path";

/** Runs a test where some of Slurm's commands are scripts. */
export async function withPrograms(
  programs: Readonly<Record<string, string>>,
  test: () => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ballast-slurm-" });
  const path = Deno.env.get("PATH")!;
  try {
    for (const [name, script] of Object.entries(programs)) {
      await Deno.writeTextFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    // Before the others: tests of other files run in this process too.
    Deno.env.set("PATH", `${folder}:${path}`);
    await test();
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(folder, { recursive: true });
  }
}
