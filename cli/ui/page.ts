import { policySource } from "../../reports/html.ts";
import { PAGE_STYLE } from "../../reports/page_style.ts";
import { attribute, type Html, html } from "./html.ts";
import { LIVE_SCRIPT } from "./live_script.ts";
import { UI_STYLE } from "./ui_style.ts";

/** A page to be shown. */
export interface Page {
  readonly title: string;
  readonly body: Html;
  /** The path of the events that keep the page current; none for a page that stays as it is. */
  readonly events?: string;
  /** 200 unless it tells of something wrong. */
  readonly status?: number;
}

/** Parts of a page by their `id`: what the event stream brings up to date. */
export type Parts = Readonly<Record<string, Html>>;

const STYLE = `${PAGE_STYLE}\n${UI_STYLE}`;

/** What every answer says: nothing is kept, guessed, framed, told, loaded or embedded elsewhere. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Only the style and the script that are part of the page, by their hashes; nothing of anyone else. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  `style-src ${policySource(STYLE)}`,
  `script-src ${policySource(LIVE_SCRIPT)}`,
  "connect-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A page as an answer. */
export function pageResponse({ title, body, events, status = 200 }: Page): Response {
  const text = [
    `<!doctype html>`,
    `<html lang="en">`,
    `<head>`,
    `<meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1">`,
    html`<title>${title} · Ballast</title>`.text,
    `<link rel="icon" href="/icon.svg">`,
    `<style>${STYLE}</style>`,
    `</head>`,
    html`<body${attribute("data-events", events ?? null)}>`.text,
    `<a class="skip" href="#content">Skip to the content</a>`,
    `<div class="page">`,
    html`<main id="content">${body}</main>`.text,
    `<p class="note lost" id="lost" role="status" hidden>`,
    `No word from this page's server. If it was stopped, start <code>ballast ui</code> again.</p>`,
    `</div>`,
    `<script>${LIVE_SCRIPT}</script>`,
    `</body>`,
    `</html>`,
    ``,
  ].join("\n");
  return new Response(text, {
    status,
    headers: {
      ...COMMON_HEADERS,
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": PAGE_POLICY,
    },
  });
}

/** Elements for parts, one below another, filled with what they hold now. */
export function partElements(parts: Parts): Html[] {
  return Object.entries(parts).map(([id, content]) => html`<div id="${id}">${content}</div>\n`);
}

/** The way back to the list of runs. */
export const HOME_LINK: Html = html`<p class="back"><a href="/">All runs</a></p>`;
