import type { Tokenizer } from "../../data/tokenizer/tokenizer.ts";
import type { LogitRow } from "../next_token.ts";
import { StopTexts } from "./stop_texts.ts";
import { scoreToken, type TokenLogprob } from "./token_logprobs.ts";
import { TokenTexts } from "./token_texts.ts";

/** A token of an answer with its log-probability. */
export interface AnswerToken {
  readonly text: string;
  /** Null for the first token of a text, which follows nothing; then there is no `top`, either. */
  readonly logprob: number | null;
  readonly top: readonly { readonly text: string; readonly logprob: number }[] | null;
  /** Characters (code points) before it in the answer's text. */
  readonly offset: number;
}

/** What a token adds to an answer. */
export interface AnswerPart {
  /** Which answer: the prompt's number times answers a prompt, plus the answer's number among them. */
  readonly choice: number;
  readonly text: string;
  /** The tokens since the last part, where log-probabilities were asked for. */
  readonly tokens: readonly AnswerToken[];
  /** Why it ends with this part: by an end token or a stop text, or for its length. */
  readonly finish: "stop" | "length" | null;
}

/** What all answers of a request have in common. */
export interface AnswerRules {
  readonly tokenizer: Tokenizer;
  readonly stop: readonly string[];
  readonly stopTokens: ReadonlySet<number>;
  readonly maxTokens: number;
  /** How many of the likeliest tokens are told with each; null for no log-probabilities at all. */
  readonly logprobs: number | null;
  readonly onPart: (part: AnswerPart) => void;
}

/** An answer in the making: takes tokens, gives out parts. */
export class Answer {
  readonly #texts: TokenTexts;
  readonly #stops: StopTexts;
  #written = 0;
  #offset = 0;

  constructor(readonly choice: number, private readonly rules: AnswerRules) {
    this.#texts = new TokenTexts((ids) => rules.tokenizer.decode(ids));
    this.#stops = new StopTexts(rules.stop);
  }

  /** Tokens generated, the end token included. */
  get written(): number {
    return this.#written;
  }

  /** Begins with the prompt. */
  echo(text: string, tokens: readonly AnswerToken[]): void {
    this.#offset += codePoints(text);
    this.#give(text, tokens, null);
  }

  /** Ends without a generated token. */
  end(): void {
    this.#give("", [], "length");
  }

  /** Takes the next token and the logits that it was chosen from; false when it ends the answer. */
  write(token: number, logits: LogitRow): boolean {
    const { tokenizer, stopTokens, maxTokens, logprobs } = this.rules;
    const tokens = logprobs === null
      ? []
      : [describeToken(tokenizer, scoreToken(logits, token, logprobs), this.#offset)];
    this.#written++;
    const ended = stopTokens.has(token);
    const last = ended || this.#written === maxTokens;
    const piece = (ended ? "" : this.#texts.push(token)) + (last ? this.#texts.flush() : "");
    this.#offset += codePoints(piece);
    const { text, stopped } = this.#stops.push(piece);
    const rest = last && !stopped ? this.#stops.flush() : "";
    const finish = ended || stopped ? "stop" : last ? "length" : null;
    this.#give(text + rest, tokens, finish);
    return finish === null;
  }

  #give(text: string, tokens: readonly AnswerToken[], finish: AnswerPart["finish"]): void {
    if (text === "" && tokens.length === 0 && finish === null) return;
    this.rules.onPart({ choice: this.choice, text, tokens, finish });
  }
}

/** A scored token with texts. */
export function describeToken(
  tokenizer: Tokenizer,
  { token, logprob, top }: TokenLogprob & { readonly top: readonly TokenLogprob[] },
  offset: number,
): AnswerToken {
  return {
    text: tokenText(tokenizer, token),
    logprob,
    top: top.map((other) => ({
      text: tokenText(tokenizer, other.token),
      logprob: other.logprob,
    })),
    offset,
  };
}

/** A token by itself as text; `token_id:17` for one that is no text by itself. */
export function tokenText(tokenizer: Tokenizer, token: number): string {
  const text = token < tokenizer.vocabSize
    ? tokenizer.decode([token], { keepSpecialTokens: true })
    : "";
  return text === "" || text.includes("\ufffd") ? `token_id:${token}` : text;
}

/** How many characters a text has, as Python counts them. */
export function codePoints(text: string): number {
  return Array.from(text).length;
}
