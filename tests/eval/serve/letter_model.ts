import PQueue from "p-queue";
import { compileChatTemplate } from "../../../data/tokenizer/chat_template.ts";
import type { Tokenizer } from "../../../data/tokenizer/tokenizer.ts";
import type { ServeContext } from "../../../eval/serve/handle_request.ts";
import type { ServedModel } from "../../../eval/serve/served_model.ts";
import type { SequenceReader } from "../../../train/models/sequence_reader.ts";
import { certain, ScriptedDecoder } from "../scripted_decoder.ts";

/** Ends a reply. */
const END = 1;
const LETTERS = 64;

/** A letter a token: its code less 64; `>` and digits are 2, and 1 is special. */
const tokenizer = {
  folder: "model",
  vocabSize: LETTERS,
  eosId: END,
  specialTokens: [],
  chatTemplate: compileChatTemplate(
    "{% for m in messages %}{{ m.role[0] + m.content }}{% endfor %}>",
    { path: "/private/chat_template.jinja", tokens: {} },
  ),
  encode: (text: string) =>
    Int32Array.from(text, (letter) => letter < "A" ? 2 : letter.charCodeAt(0) - 64),
  decode: (ids: ArrayLike<number>) =>
    Array.from(ids).filter((id) => id !== END).map((id) => String.fromCharCode(id + 64)).join(""),
} as unknown as Tokenizer;

/** After a letter comes the one before it in the alphabet, down to C; then the end. */
function logitsAfter(tokens: readonly number[]): number[] {
  const last = tokens[tokens.length - 1];
  return certain(LETTERS, last > 3 ? last - 1 : END);
}

/** Reads by the same rule. */
const reader: SequenceReader = {
  read: (tokens, show) => {
    const rows = Array.from(tokens, (_, t) => logitsAfter([...tokens.subarray(0, t + 1)]));
    show(Float32Array.from(rows.flat()), 0);
    return Promise.resolve();
  },
  release: () => Promise.resolve(),
};

/** A model that counts letters down. */
export function letterModel(given: Partial<ServedModel> = {}): ServedModel {
  return {
    name: "letters",
    config: { maxPositions: 64, slidingWindow: null, eosTokenIds: [], vocabSize: LETTERS },
    tokenizer,
    decoder: new ScriptedDecoder(LETTERS, logitsAfter),
    reader,
    maxTokens: null,
    ...given,
  };
}

/** What requests to it are answered with; faults are kept. */
export function letterContext(
  given: Partial<ServeContext> = {},
): ServeContext & { readonly faults: unknown[] } {
  const faults: unknown[] = [];
  return {
    model: letterModel(),
    queue: new PQueue({ concurrency: 1 }),
    stopping: new AbortController().signal,
    now: () => 5000,
    newId: () => "1",
    host: "127.0.0.1",
    drawSeed: () => 17,
    onFault: (error) => faults.push(error),
    faults,
    ...given,
  };
}
