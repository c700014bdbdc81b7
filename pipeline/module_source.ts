import { parse } from "@babel/parser";
import { sha256 } from "../core/digest.ts";
import type { DigestMemory } from "./code_digest.ts";
import { normaliseSource } from "./normalise_source.ts";

/** Digest of the tokens of a module that a parameter names; comments and formatting do not count. */
export async function moduleDigest(path: string, memory: DigestMemory): Promise<string> {
  const { size, mtime } = await Deno.stat(path);
  const time = mtime?.getTime() ?? 0;
  const place = `${path} (tokens)`; // a folder that holds it is digested by bytes
  const known = memory.get(place);
  if (known !== undefined && known.size === size && known.mtime === time) return known.digest;
  const digest = sha256(normaliseSource(await Deno.readTextFile(path)));
  memory.set(place, { size, mtime: time, digest });
  return digest;
}

/**
 * What keeps a module's digest from standing for all it does, a sentence each: it is no module, or
 * imports something that is not in the key already.
 *
 * @param allowed what it may import
 */
export function moduleProblems(source: string, allowed: readonly string[]): string[] {
  const words = wordsOf(source);
  if (!Array.isArray(words)) return [`Expected a TypeScript module but found: ${words.message}.`];
  const expected = `Expected imports of ${allowed.join(" and ")} alone`;
  return words.flatMap((word, i) => {
    if (word.text !== "import" && word.text !== "from") return [];
    const next = words[i + 1];
    if (word.text === "import" && next?.text === "(") {
      return [`${expected} but found import(…) in line ${word.line}.`];
    }
    if (next?.string === undefined || allowed.includes(next.string)) return [];
    return [`${expected} but found ${JSON.stringify(next.string)} in line ${next.line}.`];
  });
}

interface Word {
  readonly text: string;
  readonly line: number;
  /** What a text literal holds. */
  readonly string?: string;
}

function wordsOf(source: string): Word[] | Error {
  try {
    const { tokens } = parse(source, {
      sourceType: "module",
      plugins: ["typescript"],
      tokens: true,
      attachComment: false,
    });
    return (tokens ?? []).filter(({ type }) => typeof type !== "string").map((token) => ({
      text: source.slice(token.start, token.end),
      line: token.loc.start.line,
      string: token.type.label === "string" ? token.value as string : undefined,
    }));
  } catch (error) {
    return error as Error;
  }
}
