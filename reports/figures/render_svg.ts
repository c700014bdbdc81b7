import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { FIGURE_STYLE } from "../figure.ts";
import { escapeHtml } from "../html.ts";
import { FAINT, GRID, INK, PAPER } from "./palette.ts";

/** Names of the fonts that figures ask for; text widths are estimated, so no font is opened. */
const FONT = "Helvetica Neue, Helvetica, Arial, sans-serif";

/** One look for all figures. ARIA attributes are off: a title and a description stand for the whole. */
const config = {
  aria: false,
  background: PAPER,
  font: FONT,
  padding: 6,
  view: { stroke: null },
  axis: {
    domainColor: FAINT,
    tickColor: FAINT,
    gridColor: GRID,
    labelColor: INK,
    titleColor: INK,
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: "normal" as const,
    tickCount: 5,
    tickSize: 4,
    titlePadding: 8,
  },
  axisX: { grid: false },
  axisY: { domain: false, ticks: false },
  header: { labelColor: INK, labelFontSize: 12, labelFontWeight: "bold" as const, title: null },
  legend: {
    labelColor: INK,
    titleColor: INK,
    labelFontSize: 12,
    title: null,
    symbolSize: 160,
    symbolStrokeWidth: 2.5,
    symbolOpacity: 1,
    labelLimit: 240,
  },
};

/**
 * Draws a vega-lite specification as SVG text: no DOM, no canvas, no network, no locale; equal input
 * gives equal bytes in every process.
 *
 * @throws RangeError when the drawing carries an `id`, which could clash within a page
 */
export async function renderSvg(
  spec: TopLevelSpec,
  text: { readonly id: string; readonly title: string; readonly description: string },
): Promise<string> {
  const compiled = compile({ ...spec, config }).spec;
  const view = new vega.View(vega.parse(compiled), { renderer: "none", loader: offline });
  const drawn = await view.toSVG();
  view.finalize();
  if (/\sid="/.test(drawn)) {
    throw new RangeError(`Expected figure ${text.id} to carry no ids but found one.`);
  }
  const [, width, height, body] = matchSvg(drawn);
  const head = `<svg xmlns="http://www.w3.org/2000/svg" class="ballast-figure" role="img" ` +
    `aria-labelledby="${text.id}-title ${text.id}-desc" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}">`;
  return `${head}<title id="${text.id}-title">${escapeHtml(text.title)}</title>` +
    `<desc id="${text.id}-desc">${escapeHtml(text.description)}</desc>` +
    `<style>${FIGURE_STYLE}</style>${roundNumbers(withoutRoles(body))}</svg>\n`;
}

/** A loader that opens nothing. */
const offline: vega.Loader = {
  ...vega.loader(),
  load: (uri: string) => Promise.reject(new RangeError(`Expected no file but found ${uri}.`)),
};

function matchSvg(svg: string): RegExpMatchArray {
  const match = svg.match(/^<svg[^>]*? width="(\d+)" height="(\d+)"[^>]*>(.*)<\/svg>\s*$/s);
  if (match === null) {
    throw new RangeError(`Expected an SVG document but found ${svg.slice(0, 80)}.`);
  }
  return match;
}

/** Without the roles that vega gives to marks for all that ARIA is off: they would want texts of their own. */
function withoutRoles(svg: string): string {
  return svg.replace(
    /<[^>]*>/g,
    (tag) => tag.replace(/ (?:role|aria-roledescription)="[^"]*"/g, ""),
  );
}

/** Coordinates with two digits: shorter files, and no last bits that differ between processors. */
function roundNumbers(svg: string): string {
  return svg
    .replace(/<path class="(?:background|foreground)"[^>]*\/>/g, "")
    .replace(
      /<[^>]*>/g,
      (tag) =>
        tag.replace(
          /-?\d+\.\d{3,}(?:e-?\d+)?/g,
          (number) => String(Number(Number(number).toFixed(2)) + 0),
        ),
    );
}
