import { digestJson } from "../../core/digest.ts";
import type { CodeFields, CodeIndex } from "../../pipeline/code_digest.ts";
import type { KeyFields } from "../../pipeline/fingerprint.ts";
import type { KeyRecord } from "../../pipeline/store/records.ts";
import { stages } from "../../stages/registry.ts";
import { CODE_FOLDERS, PROJECT_FOLDER } from "../project.ts";

/** The digest of all modules that these results were made by. */
export function codeDigest(records: readonly KeyRecord[]): string {
  return digestJson(Object.assign({}, ...records.map((record) => codeOf(record).modules)));
}

/** Whether the code that is here is, stage by stage, that of these results. */
export async function isCodeOf(records: readonly KeyRecord[], index: CodeIndex): Promise<boolean> {
  for (const record of records) {
    const stage = stages.get(record.stage);
    if (stage === undefined) return false;
    if (digestJson(await index.code(stage.module)) !== digestJson(codeOf(record))) return false;
  }
  return true;
}

/** The commit of the project's folder, and whether its code is that commit's; null where git knows none. */
export function gitRevision(): { commit: string; clean: boolean } | null {
  const commit = git(["rev-parse", "HEAD"])?.trim();
  if (commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) return null;
  const edited = git(["status", "--porcelain", "--", ...CODE_FOLDERS, "deno.json", "deno.lock"]);
  return { commit, clean: edited === "" };
}

function git(args: readonly string[]): string | null {
  try {
    const { success, stdout } = new Deno.Command("git", {
      args: ["-C", PROJECT_FOLDER, ...args],
      stdin: "null",
      stderr: "null",
    }).outputSync();
    return success ? new TextDecoder().decode(stdout) : null;
  } catch {
    return null; // no git here
  }
}

function codeOf({ fields }: KeyRecord): CodeFields {
  return (fields as unknown as KeyFields).code;
}
