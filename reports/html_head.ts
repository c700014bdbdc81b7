import { FIGURE_STYLE } from "./figure.ts";
import { escapeHtml, policySource } from "./html.ts";
import { formatInterval, formatNumber } from "./number_format.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";
import { claimLabel, type ReportInput } from "./report_input.ts";
import { reportHeadline } from "./report_words.ts";
import { type RunFacts, warningsOf } from "./run_facts.ts";
import type { Verdict } from "./verdict.ts";

/** The page's `<head>`, with a policy that admits nothing but the page's own styles and script. */
export function pageHead({ title, claim, figures }: ReportInput): string {
  const styles = [PAGE_STYLE, ...(figures.length > 0 ? [FIGURE_STYLE] : [])].map(policySource).join(
    " ",
  );
  const policy =
    `default-src 'none'; style-src ${styles}; script-src ${policySource(PAGE_SCRIPT)}; ` +
    `base-uri 'none'; form-action 'none'`;
  return [
    `<!doctype html>`,
    `<html lang="en">`,
    `<head>`,
    `<meta charset="utf-8">`,
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<meta name="referrer" content="no-referrer">`,
    `<meta name="description" content="${escapeHtml(claim)}">`,
    `<title>${escapeHtml(title)}</title>`,
    `<style>${PAGE_STYLE}</style>`,
    `</head>`,
  ].join("\n");
}

/** The first screen: the claim, this run's answer with its uncertainty, warnings, and what to click. */
export function pageHeader(
  input: ReportInput,
  of: {
    readonly judged: Verdict | null;
    readonly run: RunFacts | null;
    /** Sections by id and heading. */
    readonly sections: readonly { readonly id: string; readonly heading: string }[];
  },
): string {
  const links = of.sections.map(({ id, heading }) =>
    `<li><a href="#${id}">${escapeHtml(heading)}</a></li>`
  );
  return [
    `<header>`,
    `<h1>${escapeHtml(input.title)}</h1>`,
    `<p class="label">${escapeHtml(claimLabel(input))}</p>`,
    `<blockquote><p>${escapeHtml(input.claim)}</p></blockquote>`,
    ...answerHtml(input, of.judged),
    ...warningHtml(of.run),
    ...(of.run === null ? [] : [
      `<p class="label">What to click</p>`,
      `<p>Any number in a table opens where it comes from, back to the data and the seed; a column's ` +
      `heading sorts. With the keyboard: Tab to a table, arrow keys within it, Enter.</p>`,
    ]),
    `<nav aria-label="Sections"><ul>${links.join("")}</ul></nav>`,
    `</header>`,
  ].join("\n");
}

/** The headline with its first sentence, the answer, set apart; below it the differences that decide. */
function answerHtml(input: ReportInput, judged: Verdict | null): string[] {
  const headline = reportHeadline(input, judged);
  if (headline === null) return [];
  const end = headline.indexOf(". ") + 1;
  const answer = end === 0
    ? escapeHtml(headline)
    : `<strong>${escapeHtml(headline.slice(0, end))}</strong>${escapeHtml(headline.slice(end))}`;
  const differences = judged === null ? [] : differencesOf(input, judged);
  return [
    `<p class="label">What this run says</p>`,
    `<p class="answer">${answer}</p>`,
    ...(differences.length === 0
      ? []
      : [`<ul class="differences">${
        differences.map((text) => `<li>${escapeHtml(text)}</li>`).join("")
      }</ul>`]),
  ];
}

/** Each method against the opponent that the claim names, with the interval. */
function differencesOf({ results, test }: ReportInput, { duels }: Verdict): string[] {
  const first = test?.opponents[0].as;
  return duels.flatMap(({ method, opponent, comparison }) => {
    if (opponent !== first || comparison === null) return [];
    const { label, digits } = results.metrics[comparison.metric];
    const { mean, ci95 } = comparison.difference;
    return [
      `${label}, ${method} minus ${opponent}: ${formatNumber(mean, digits)}${
        ci95 === null ? "" : intervalClause(ci95, digits)
      }.`,
    ];
  });
}

/** Of an interval, where zero lies; it is kept on one line. */
function intervalClause([low, high]: readonly [number, number], digits: number): string {
  const interval = formatInterval([low, high], digits).replaceAll(" ", "\u00a0");
  const zero = low <= 0 && high >= 0 ? "which holds zero" : "which leaves out zero";
  return `, 95% interval ${interval}, ${zero}`;
}

function warningHtml(run: RunFacts | null): string[] {
  const count = run === null ? 0 : warningsOf(run).length;
  if (count === 0) return [];
  const words = count === 1 ? "One warning" : `${count} warnings`;
  return [
    `<p class="warned"><a href="#warnings">${words}</a>: read ${
      count === 1 ? "it" : "them"
    } before you cite a number.</p>`,
  ];
}
