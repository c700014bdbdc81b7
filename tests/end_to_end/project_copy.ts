import { join } from "node:path";
import { CODE_FOLDERS } from "../../cli/project.ts";
import { PROJECT } from "./ballast.ts";

/** Copies the project, so that its sources can be edited; the packages are hard links where possible. */
export async function copyProject(folder: string): Promise<void> {
  const parts = [...CODE_FOLDERS, "cli", "recipes", "deno.json", "deno.lock"];
  await copy("-R", parts.map((part) => join(PROJECT, part)), folder);
  const packages = [join(PROJECT, "node_modules")];
  if (await copy("-al", packages, folder, true)) return;
  // Links made before it failed would be taken for the files that they are to be replaced by.
  await Deno.remove(join(folder, "node_modules"), { recursive: true });
  await copy("-a", packages, folder);
}

async function copy(how: string, from: string[], to: string, mayFail = false): Promise<boolean> {
  const { success, stderr } = await new Deno.Command("cp", { args: [how, ...from, to] }).output();
  if (!success && !mayFail) throw new Error(new TextDecoder().decode(stderr));
  return success;
}
