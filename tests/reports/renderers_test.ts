import assert from "node:assert/strict";
import { displayWidth } from "../../core/display_width.ts";
import { renderCsv } from "../../reports/csv.ts";
import { escapeHtml, renderHtml } from "../../reports/html.ts";
import { escapeLatex, renderLatex } from "../../reports/latex.ts";
import { escapeMarkdown, fenceMarkdown, renderMarkdown } from "../../reports/markdown.ts";
import { renderText } from "../../reports/text.ts";
import { type Table, textCell } from "../../reports/table.ts";
import { systemColumn } from "../../reports/results_table.ts";
import { injections } from "./injection_corpus.ts";

/** Controls (but line feeds and tabs), zero-width and bidi characters. */
const acting = /(?![\n\t])\p{Cc}|\p{Cf}/u;

/** A table whose every text is the same hostile one. */
function hostileTable(text: string): Table {
  return {
    id: text,
    title: text,
    caption: text,
    columns: [
      { ...systemColumn, label: text },
      {
        ...systemColumn,
        id: "b",
        label: text,
        group: text,
        unit: text,
        align: "right",
        better: "higher",
      },
      { ...systemColumn, id: "c", label: "c", group: text },
    ],
    rows: [{
      id: "row",
      cells: [textCell(text), { ...textCell(text), notes: [0] }, {
        content: { value: -0.5, digits: 2, interval: [-1, 0], n: 3 },
        best: true,
        notes: [0],
        origins: [{ instance: text, digest: text }],
      }],
    }],
    notes: [text],
  };
}

/** Reads CSV back (RFC 4180). */
function parseCsv(text: string): string[][] {
  const records: string[][] = [[]];
  const field = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n|$)/gy;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    assert.ok(match, `no field at ${field.lastIndex}`);
    const quoted = match[1].startsWith('"');
    records.at(-1)!.push(quoted ? match[1].slice(1, -1).replaceAll('""', '"') : match[1]);
    if (match[2] === "\r\n") records.push([]);
  }
  return records.filter((record) => record.length > 0);
}

for (const [name, text] of Object.entries(injections)) {
  Deno.test(`every renderer shows ${name} without acting on it`, () => {
    const table = hostileTable(text);

    const terminal = renderText(table, { width: 100 });
    assert.doesNotMatch(terminal, acting);
    for (const line of terminal.split("\n")) assert.ok(displayWidth(line) <= 100, line);

    const html = renderHtml(table);
    assert.doesNotMatch(html, acting);
    assert.doesNotMatch(html, /<(?:script|img|svg|\/script|\/style|b>|!--)/i);
    assert.equal(
      html.match(/<[a-z]+/g)!.length,
      renderHtml(hostileTable("x")).match(/<[a-z]+/g)!.length,
    );

    const markdown = renderMarkdown(table);
    assert.doesNotMatch(markdown, acting);
    const rows = markdown.split("\n").filter((line) => line.startsWith("| "));
    assert.equal(rows.length, 3);
    for (const row of rows) assert.equal(row.replaceAll("\\\\", "").match(/(?<!\\)\|/g)!.length, 4);
    assert.doesNotMatch(markdown, /(?<!\\)\]\(|<\w|https?:\/\/|(?<!\\)`/);

    const latex = renderLatex(table);
    assert.doesNotMatch(latex, acting);
    assert.doesNotMatch(latex, /\\(?:input|immediate|write)/);
    assert.doesNotMatch(latex.replace(/\\[%#$&_{}]|\{%$/gm, ""), /[%#~^]/);
    assert.equal(braceDepth(latex), 0);

    const records = parseCsv(renderCsv(table));
    assert.equal(records.length, 2);
    assert.equal(records[0].length, records[1].length);
    for (const field of records[1].slice(0, 2)) assert.doesNotMatch(field, /^\s*[=+\-@|%]/);
  });
}

function braceDepth(latex: string): number {
  const plain = latex.replace(/\\\\|\\[{}]/g, "");
  return plain.split("{").length - plain.split("}").length;
}

Deno.test("renderCsv() keeps untrusted text whole, behind an apostrophe where it looks like a formula", () => {
  const [, row] = parseCsv(renderCsv(hostileTable(injections.formula)));
  assert.equal(row[0], `'${injections.formula}`);
  const [, lines] = parseCsv(renderCsv(hostileTable("one\ntwo")));
  assert.equal(lines[0], "one\ntwo");
});

Deno.test("renderCsv() leaves negative numbers numbers", () => {
  const [, row] = parseCsv(renderCsv(hostileTable("x")));
  assert.deepEqual(row.slice(2), ["-0.5", "-1", "0", "3", "1"]);
});

Deno.test("escapeHtml() escapes what opens tags, entities and attributes", () => {
  assert.equal(
    escapeHtml(`<a b="c" d='e'>&amp;`),
    "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;",
  );
});

Deno.test("renderLatex() breaks long names into lines, and keeps the blank before n", () => {
  const name = "ultra_rdpo_full_eta0.005_beta0.01_stepwise_decay";
  const number = { value: 1, digits: 0, interval: null, n: 3 };
  const table = (label: string): Table => ({
    ...hostileTable("x"),
    columns: [systemColumn, { ...systemColumn, id: "b", align: "right" }],
    rows: [{ id: "a", cells: [textCell(label), { ...textCell(""), content: number }] }],
  });
  const long = renderLatex(table(name));
  assert.match(long, /\{@\{\}p\{5cm\}r@\{\}l@\{\}\}/);
  assert.match(long, /\\raggedright ultra\\_\\allowbreak\{\}rdpo/);
  assert.match(long, / & 1 & \\ \(n 3\)/);
  assert.match(renderLatex(table("gemma_dpo")), /\{@\{\}lr@\{\}l@\{\}\}/);
});

Deno.test("escapeLatex() writes letters, signs and what no engine sets in forms that all engines set", () => {
  assert.equal(
    escapeLatex("Ä η ± 50% _x_ 漢 a--b"),
    "Ä $\\eta$ $\\pm$ 50\\% \\_x\\_ {[}U+6F22{]} a-{}-b",
  );
});

Deno.test("escapeLatex() writes letters that T1 fonts lack as code points", () => {
  assert.equal(escapeLatex("Łódź ő ž"), "Łódź ő ž");
  for (const letter of "ĦħĸĿŀŉŦŧſ") {
    const code = letter.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
    assert.equal(escapeLatex(letter), `{[}U+${code}{]}`);
  }
});

Deno.test("escapeMarkdown() leaves ordinary prose as it is", () => {
  const prose = 'Mean ± half (t over 3 seeds): 0.72, "quoted" - done!';
  assert.equal(escapeMarkdown(prose), prose);
  assert.equal(escapeMarkdown("# one"), "\\# one");
  assert.equal(escapeMarkdown("1. one"), "1\\. one");
  assert.equal(escapeMarkdown("2)"), "2\\)");
  assert.equal(escapeMarkdown("0.046"), "0.046");
});

Deno.test("fenceMarkdown() fences longer than any run of ticks in the text", () => {
  assert.equal(fenceMarkdown("a ```` b\nc"), "`````text\na ```` b\nc\n`````");
});

Deno.test("renderText() aligns by display width, also where characters take two cells", () => {
  const table = hostileTable("漢字");
  const lines = renderText({ ...table, caption: "", notes: [] }).trimEnd().split("\n");
  const rule = lines.find((line) => line.startsWith("━"))!;
  const row = lines.at(-2)!;
  assert.ok(row.startsWith("漢字"));
  assert.equal(displayWidth(row), displayWidth(rule));
});
