import type { Completion } from "./completion.ts";

/** How a judge's answer is read. */
export type VerdictRule =
  /** Probabilities of the two tokens that name the answers, as the first token (AlpacaEval's weighted judge). */
  | { readonly kind: "logprobs"; readonly tokens: readonly [string, string] }
  /** `[[A]]`, `[[B]]`, or `[[C]]` for a draw (MT-Bench's pairwise judge). */
  | { readonly kind: "choice" }
  /** `[[7]]`, from 1 to 10 (MT-Bench's single judge). */
  | { readonly kind: "rating" };

/**
 * What a judge's answer says. `value` is a rating from 1 to 10, or the credit of the answer shown second,
 * from 0 (the first is better) to 1.
 */
export type Verdict =
  | { readonly state: "scored"; readonly value: number }
  | { readonly state: "unparseable"; readonly reason: string };

/** What a judge might leave out when it quotes: white space, emphasis, backslashes, what has no width. */
const BETWEEN = "[\\s*_`\\\\\u00ad\u200b-\u200f\u2060\ufeff]*";
const OPEN = "(?:[[\uff3b]|&#91;|&#x5b;|&lsqb;|&lbrack;)";
const CLOSE = "(?:[\\]\uff3d]|&#93;|&#x5d;|&rsqb;|&rbrack;)";

/** What could be taken for a verdict, or tidied to one by whoever quotes it. */
const ANY_MARK = new RegExp(
  [OPEN, OPEN, "([ABC\uff21-\uff23]|[\\d\uff10-\uff19]+(?:\\.\\d+)?)", CLOSE, CLOSE].join(BETWEEN),
  "gi",
);

/** Whether a text holds what could be taken for a verdict that is read from text. */
export function holdsMark(text: string): boolean {
  return text.search(ANY_MARK) >= 0;
}

/**
 * A text that is to be judged, with each verdict's mark in it parted: `[ [10] ]`. What a judge quotes of it
 * is then no mark, whatever its value. Other brackets stay, and code with one number in two brackets
 * means the same.
 */
export function partMarks(text: string): string {
  return text.replaceAll(ANY_MARK, "[ [$1] ]");
}

/**
 * Reads a judge's answer.
 *
 * One value, however often the judge's marks name it, is the verdict, as in FastChat. Where they differ
 * (FastChat then takes the first rating, and A before B), only a last line that holds nothing else counts.
 *
 * A judge may quote what it judges. Marks were parted there (`partMarks`), but a judge may tidy them, so
 * where there were any, an answer's one mark is the verdict when it ends the last line, that holds no
 * quotation, and the answer was not cut; of any other answer there is none. Which values were marked is
 * not looked at: a text that bears marks cannot choose the verdicts that are left out. FastChat's second
 * look for `[7]` is left out: that is how people cite.
 *
 * @param options.quotable whether a text that the judge was shown holds a mark (`holdsMark`)
 */
export function readVerdict(
  { text, finish, firstToken }: Completion,
  rule: VerdictRule,
  { quotable }: { readonly quotable: boolean },
): Verdict {
  if (rule.kind === "logprobs") return fromLogprobs(firstToken, rule.tokens);
  const { mark, read } = MARKS[rule.kind];
  const found = [...text.matchAll(mark)].map(([, value]) => value);
  const cut = finish === "length";
  if (found.length === 0) {
    const why = cut ? ", cut at its most tokens" : "";
    return unparseable(`no verdict in the judge's answer${why}`);
  }
  const lastLine = text.trimEnd().split("\n").at(-1)!;
  if (quotable) {
    const isOwn = !cut && found.length === 1 && !QUOTATION.test(lastLine) &&
      new RegExp(`${mark.source}${END}`, "i").test(lastLine);
    return isOwn ? read(found[0]) : unparseable(MAYBE_QUOTED);
  }
  const values = new Set(found).size;
  if (values === 1) return read(found[0]);
  const [, verdict] = new RegExp(`${LABEL}${mark.source}${AFTER}`, "i").exec(lastLine) ?? [];
  if (!cut && verdict !== undefined) return read(verdict);
  return unparseable(
    `${values} different verdicts in the judge's answer, none alone on its last line`,
  );
}

const MAYBE_QUOTED =
  "what is judged holds a verdict's mark, and the judge's answer does not end on its " +
  "only mark, outside quotations";

/** What may follow a verdict that ends an answer: `[[C]] for a tie, as both are wrong.` */
const END = "(?: for a tie.*)?[\\s*_.]*$";

/** A line that may quote. An apostrophe is no sign of that. */
const QUOTATION = /["\u201c\u201d\u201e\u00ab\u00bb`]|^\s*[>|]/;

/** What may precede a verdict on a line of its own. No quotation marks. */
const LABEL = "^[\\s*_#-]*(?:(?:my|the)\\s+)?(?:final\\s+)?(?:verdict|rating|score|judge?ment)?" +
  "(?:\\s+is)?[\\s*_:]*";
const AFTER = "(?: for a tie)?[\\s*_.]*$";

const MARKS = {
  choice: {
    mark: /\[\[([ABC])\]\]/g,
    read: (value: string): Verdict => ({
      state: "scored",
      value: { A: 0, B: 1, C: 0.5 }[value.toUpperCase()]!,
    }),
  },
  rating: {
    mark: /\[\[(\d+(?:\.\d+)?)\]\]/g,
    read: (value: string): Verdict => {
      const rating = Number(value);
      if (rating >= 1 && rating <= 10) return { state: "scored", value: rating };
      return unparseable(`expected a rating from 1 to 10 but found ${value}`);
    },
  },
} as const;

/**
 * P(second) / (P(first) + P(second)) of the first token. One that is not among the likeliest has
 * probability 0, as in AlpacaEval's published annotations; without either there is no verdict.
 */
function fromLogprobs(
  firstToken: Completion["firstToken"],
  [first, second]: readonly [string, string],
): Verdict {
  if (firstToken === null || firstToken.size === 0) {
    return unparseable("no log-probs in the judge's answer");
  }
  if (!firstToken.has(first) && !firstToken.has(second)) {
    return unparseable(`neither ${first} nor ${second} among the likeliest first tokens`);
  }
  const [a, b] = [first, second].map((token) => firstToken.get(token) ?? -Infinity);
  return { state: "scored", value: 1 / (1 + Math.exp(a - b)) };
}

function unparseable(reason: string): Verdict {
  return { state: "unparseable", reason };
}
