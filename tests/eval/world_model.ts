import type { ReplyScorer } from "../../eval/score_pairs.ts";
import { VOCABULARY } from "../../data/world/vocabulary.ts";
import { ScriptedDecoder } from "./scripted_decoder.ts";

/** Token ids of words. */
export function encode(text: string): Int32Array {
  return Int32Array.from(text.split(" ").filter((word) => word !== ""), (word) => {
    const id = VOCABULARY.indexOf(word);
    if (id < 0) throw new RangeError(`Expected a word of the world but found "${word}".`);
    return id;
  });
}

/** Words of token ids. */
export function decode(tokens: Int32Array): string {
  return Array.from(tokens, (id) => VOCABULARY[id]).join(" ");
}

/** A prompt as the world's model reads it. */
export function worldPrompt(id: string, prompt: string) {
  return { id, prompt, tokens: encode(`<bos> ${prompt} <sep>`) };
}

/** A decoder that says each of some words equally likely, given what it has said and the prompt. */
export function choosing(
  next: (said: readonly string[], prompt: string) => readonly string[],
): ScriptedDecoder {
  return new ScriptedDecoder(VOCABULARY.length, (tokens) => {
    const words = Array.from(tokens, (id) => VOCABULARY[id]);
    const separator = words.indexOf("<sep>");
    const choice = next(words.slice(separator + 1), words.slice(1, separator).join(" "));
    return VOCABULARY.map((word) => choice.includes(word) ? 50 : 0);
  });
}

/** A decoder that surely says one text after each prompt, whatever the sampling. */
export function saying(reply: (prompt: string) => string): ScriptedDecoder {
  return choosing((said, prompt) => [reply(prompt).split(" ")[said.length] ?? "<eos>"]);
}

/** A decoder that ends after one of several words, each equally likely. */
export function saysOneOf(words: readonly string[]): ScriptedDecoder {
  return choosing((said) => said.length === 0 ? words : said.length === 1 ? ["."] : ["<eos>"]);
}

/** A scorer that gives every token of a reply the same log-prob. */
export function scoring(perToken: number): ReplyScorer {
  return (sequences) => Promise.resolve(sequences.map(({ reply }) => perToken * reply.length));
}
