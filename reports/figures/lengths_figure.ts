import type { TopLevelSpec } from "vega-lite";
import { InputError, type Problem } from "../../core/problem.ts";
import type { Results } from "../../core/results.ts";
import type { Spread } from "../../core/spread.ts";
import { visibleText } from "../../core/visible_text.ts";
import type { Audit } from "../audit_tables.ts";
import type { Figure, FigureSpec } from "../figure.ts";
import { formatCount, formatNumber } from "../number_format.ts";
import { CHOSEN, INK, PAPER, REJECTED, REPLIES } from "./palette.ts";
import { renderSvg } from "./render_svg.ts";
import { unknownNames } from "./unknown_names.ts";

type LengthsSpec = Extract<FigureSpec, { kind: "lengths" }>;

/** One line of the figure. */
interface LengthRow {
  readonly label: string;
  readonly colour: string;
  readonly spread: Spread;
}

/** What the figure is drawn from. */
interface LengthSources {
  readonly results: Results;
  readonly audits: readonly Audit[];
}

/**
 * How long replies are, in tokens: the chosen and the rejected ones of audited sets before truncation, and
 * those of systems; a line from the 10% to the 90% quantile, a box from 25% to 75%.
 *
 * @throws InputError naming each unknown set and system, with the nearest
 */
export async function lengthsFigure(sources: LengthSources, spec: LengthsSpec): Promise<Figure> {
  checkSources(sources, spec);
  const rows = [
    ...spec.sets.flatMap((name) => setRows(sources.audits, name)),
    ...spec.systems.map((id) => systemRow(sources.results, id)),
  ];
  const text = {
    id: "figure-lengths",
    title: "Lengths of replies",
    description: rows.map(({ label, spread: { n, median, p10, p90, mean } }) =>
      `${label}: median ${median} tokens, mean ${
        formatNumber(mean, 1)
      }, 80% from ${p10} to ${p90} ` +
      `(n ${formatCount(n)}).`
    ).join(" "),
  };
  const parts = [
    "Tokens. Line: from the 10% to the 90% quantile; box: from 25% to 75%, with the median; " +
    "diamond: the mean.",
    ...(spec.sets.length > 0 ? ["Sets of pairs before truncation."] : []),
    ...(spec.systems.length > 0
      ? ["Replies of systems end where the tokens allowed them do."]
      : []),
  ];
  return {
    ...text,
    id: "lengths",
    caption: parts.join(" "),
    svg: await renderSvg(specification(rows), text),
  };
}

/** Every set of an audit by its name; sets of one name, as of several seeds, are rows of their own. */
function setRows(audits: readonly Audit[], name: string): LengthRow[] {
  const found = audits.flatMap(({ sets }) => sets.filter((set) => set.name === name));
  return found.flatMap(({ lengths }, i) => {
    const which = visibleText(found.length > 1 ? `${name}, audit ${i + 1}` : name);
    return ([["Chosen", "chosen", CHOSEN], ["Rejected", "rejected", REJECTED]] as const).flatMap(
      ([title, part, colour]) => {
        const spread = lengths.before[part];
        return spread === null ? [] : [{ label: `${title} (${which})`, colour, spread }];
      },
    );
  });
}

function systemRow({ systems, replyLengths }: Results, id: string): LengthRow {
  const { label } = systems.find((system) => system.id === id)!;
  return { label: visibleText(label), colour: REPLIES, spread: replyLengths![id] };
}

function checkSources({ results, audits }: LengthSources, { sets, systems }: LengthsSpec): void {
  const path = "figures.lengths";
  const measured = Object.keys(results.replyLengths ?? {});
  const named = [...new Set(audits.flatMap(({ sets }) => sets.map(({ name }) => name)))];
  const problems: Problem[] = [
    ...unknownNames(`${path}.sets`, sets, {
      ...{ kind: "set of pairs", within: "in the audits", known: named },
    }),
    ...unknownNames(`${path}.systems`, systems, {
      ...{ kind: "system", within: "among those with replies", known: measured },
    }),
    ...sets.filter((name) => named.includes(name) && setRows(audits, name).length === 0)
      .map((name) => ({ path: `${path}.sets`, message: `The set "${name}" has no replies.` })),
  ];
  if (problems.length > 0) throw new InputError(problems);
}

function specification(rows: readonly LengthRow[]): TopLevelSpec {
  const domain = rows.map(({ label }) => label);
  const x = { type: "quantitative" as const, title: "Tokens of a reply", scale: { zero: true } };
  const y = {
    field: "label",
    type: "nominal" as const,
    sort: domain,
    title: null,
    axis: { labelLimit: 260, labelPadding: 8 },
  };
  const colours = [...new Map(rows.map(({ label, colour }) => [label, colour])).values()];
  const color = {
    field: "label",
    type: "nominal" as const,
    scale: { domain: [...new Set(domain)], range: colours },
    legend: null,
  };
  const range = (from: keyof Spread, to: keyof Spread) => ({
    x: { ...x, field: from },
    x2: { field: to },
    y,
    color,
  });
  return {
    data: { values: rows.map(({ label, spread }) => ({ label, ...spread })) },
    width: 440,
    height: { step: 30 },
    layer: [
      { mark: { type: "rule", strokeWidth: 2 }, encoding: range("p10", "p90") },
      { mark: { type: "bar", height: 14 }, encoding: range("p25", "p75") },
      {
        mark: { type: "tick", thickness: 2.5, size: 14, color: PAPER, opacity: 1 },
        encoding: { x: { ...x, field: "median" }, y },
      },
      {
        mark: { type: "point", shape: "diamond", size: 55, fill: PAPER, stroke: INK, opacity: 1 },
        encoding: { x: { ...x, field: "mean" }, y },
      },
    ],
  };
}
