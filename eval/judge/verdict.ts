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

/**
 * Reads a judge's answer.
 *
 * A judge may quote what it judges, so a mark in its answer need not be its verdict. Where no text that
 * it was shown has a mark, one value, however often, is the verdict, as in FastChat. Where one has, or
 * where the judge's marks differ (FastChat then takes the first rating, and A before B), only a last line
 * that holds nothing else counts. What is judged must not become a verdict by being quoted last: a last
 * line that stands in it word for word, one that was cut, and one that another such line of the judge's
 * own contradicts, are none. FastChat's second look for `[7]` is left out: that is how people cite.
 *
 * @param shown every text that stood in the request in a template's place
 */
export function readVerdict(
  completion: Completion,
  rule: VerdictRule,
  shown: readonly string[],
): Verdict {
  if (rule.kind === "logprobs") return fromLogprobs(completion, rule.tokens);
  const { mark, read } = MARKS[rule.kind];
  const found = new Set([...completion.text.matchAll(mark)].map(([, value]) => value));
  if (found.size === 0) {
    const cut = completion.finish === "length" ? ", cut at its most tokens" : "";
    return unparseable(`no verdict in the judge's answer${cut}`);
  }
  const quotable = shown.some((text) => ANY_MARK.test(text));
  if (found.size === 1 && !quotable) return read([...found][0]);
  const alone = new RegExp(`${LABEL}${mark.source}${AFTER}`, "i");
  const lines = completion.text.trimEnd().split("\n");
  const [, verdict] = alone.exec(lines.at(-1)!) ?? [];
  if (verdict === undefined) {
    return unparseable(
      quotable
        ? "what is judged holds a verdict's mark, and the judge's last line is no verdict alone"
        : `${found.size} different verdicts in the judge's answer, none alone on its last line`,
    );
  }
  if (!quotable) return read(verdict);
  if (completion.finish === "length") {
    return unparseable("the judge's answer was cut in a quotation");
  }
  const quoted = new Set(shown.flatMap((text) => text.split("\n").map(bare)));
  if (quoted.has(bare(lines.at(-1)!))) {
    return unparseable("the judge's last line stands word for word in what is judged");
  }
  const own = lines.filter((line) => !quoted.has(bare(line)))
    .flatMap((line) => alone.exec(line)?.slice(1, 2) ?? []);
  if (own.every((one) => one === verdict)) return read(verdict);
  return unparseable("the judge's lines that hold a verdict alone do not agree");
}

/** A verdict's mark in what is judged, as loosely as a judge might tidy it when it quotes. */
const ANY_MARK = /\[\s*\[\s*(?:[ABC]|\d+(?:\.\d+)?)\s*\]\s*\]/i;

/** A line but for white space and emphasis. */
function bare(line: string): string {
  return line.replace(/[\s*_#]+/g, " ").trim();
}

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
  { firstToken }: Completion,
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
