import { join } from "node:path";
import { parse } from "yaml";
import { type GgufHeader, readGgufHeader } from "../core/gguf_file.ts";
import { InputError } from "../core/problem.ts";
import type { BaseFacts } from "../reports/cards/card_facts.ts";
import { readBaseSource } from "../train/models/base_source.ts";
import { lookUp } from "./look_up.ts";

/** What a model's files say of where it comes from. */
export type StatedBase = Omit<BaseFacts, "fromScratch">;

/** A card is text for people; what is larger is none. */
const MOST_CARD_BYTES = 1 << 20;

/**
 * What a model's files say of its name on the hub and of its licence: the metadata of a GGUF file, the
 * card in a folder; of what base-model made, where it came from. What they do not say is null.
 */
export async function statedBase(path: string): Promise<StatedBase> {
  const there = lookUp(path);
  if (there === null) return NOTHING_STATED; // The stage says that it is missing.
  const { commit, ggufType } = await readBaseSource(path);
  const source = { revision: commit, ggufType };
  if (there === "file") return { ...await ofGguf(path), ...source };
  const files = [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) =>
    name.endsWith(".gguf")
  );
  const ofFile = files.length === 1 ? await ofGguf(join(path, files[0])) : NOTHING_STATED;
  return { ...ofFile, ...await cardLicense(path) ?? {}, ...source };
}

/** Of a model that says nothing. */
export const NOTHING_STATED: StatedBase = {
  name: null,
  revision: null,
  ggufType: null,
  license: null,
  licenseName: null,
  licenseSource: null,
};

async function ofGguf(path: string): Promise<StatedBase> {
  const metadata = await metadataOf(path);
  const text = (key: string) => {
    const value = metadata.get(key);
    return typeof value === "string" && value !== "" ? value : null;
  };
  const license = text("general.license");
  const url = text("general.source.repo_url") ?? text("general.repo_url") ?? "";
  return {
    ...NOTHING_STATED,
    name: /^https:\/\/huggingface\.co\/([^/]+\/[^/]+)\/?$/.exec(url)?.[1] ?? null,
    license,
    licenseName: license === "other" ? text("general.license.name") : null,
    licenseSource: license === null ? null : "general.license of the GGUF file",
  };
}

/** A damaged file says nothing here: the stage that reads it says what is wrong with it. */
async function metadataOf(path: string): Promise<GgufHeader["metadata"]> {
  try {
    return (await readGgufHeader(path)).metadata;
  } catch (error) {
    if (error instanceof InputError) return new Map();
    throw error;
  }
}

async function cardLicense(
  folder: string,
): Promise<Pick<BaseFacts, "license" | "licenseName" | "licenseSource"> | null> {
  const fields = await cardFields(join(folder, "README.md"));
  const { license, license_name: name } = fields;
  if (typeof license !== "string" || license === "" || license === "unknown") return null;
  const licenseName = license === "other" && typeof name === "string" && name !== "" ? name : null;
  return { license, licenseName, licenseSource: "the card of its folder" };
}

/** The YAML that a card begins with; nothing where there is no card, or none that can be read. */
async function cardFields(path: string): Promise<Record<string, unknown>> {
  if (lookUp(path) !== "file" || (await Deno.stat(path)).size > MOST_CARD_BYTES) return {};
  const text = (await Deno.readTextFile(path)).replace(/\r\n/g, "\n");
  const [, front] = /^---\n([\s\S]*?)\n---(?:\n|$)/.exec(text) ?? [];
  try {
    const fields: unknown = parse(front ?? "");
    return typeof fields === "object" && fields !== null ? fields as Record<string, unknown> : {};
  } catch {
    return {};
  }
}

/** Whether a name is one that the hub knows models by: `OWNER/NAME`. */
export function isHubName(name: unknown): name is string {
  return typeof name === "string" && /^[A-Za-z0-9][\w.-]*\/[\w.-]+$/.test(name);
}

/** The model that an adapter's folder says it is for; null where that is no name on the hub. */
export async function adapterBase(folder: string): Promise<string | null> {
  const path = join(folder, "adapter_config.json");
  if (lookUp(path) !== "file") return null;
  try {
    const name: unknown = JSON.parse(await Deno.readTextFile(path))?.base_model_name_or_path;
    return isHubName(name) ? name : null;
  } catch {
    return null; // The stage says what is wrong with the file.
  }
}
