import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { canonicalJson } from "../../core/json.ts";
import { sha256 } from "../../core/digest.ts";
import { drawFigure } from "../../reports/figures/draw_figure.ts";
import { renderReport } from "../../reports/html_report.ts";
import { renderLatexReport } from "../../reports/latex_report.ts";
import { renderMarkdownReport } from "../../reports/markdown_report.ts";
import type { ReportInput } from "../../reports/report_input.ts";
import { writeReport } from "../../reports/write_report.ts";
import report from "../../stages/report.ts";
import { figuresFixture } from "./figures_fixture.ts";
import { hostileReport, hostileRun } from "./hostile_report.ts";
import { injections } from "./injection_corpus.ts";
import { reportFixture, runFactsFixture } from "./report_fixture.ts";

async function withFigures(): Promise<ReportInput> {
  const input = reportFixture();
  const figures = [];
  for (const spec of figuresFixture) figures.push(await drawFigure(input, spec));
  return { ...input, figures };
}

async function readTree(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) {
      for (const [inner, text] of Object.entries(await readTree(path))) {
        files[join(name, inner)] = text;
      }
    } else if (name.endsWith(".png")) files[name] = sha256(await Deno.readFile(path));
    else files[name] = await Deno.readTextFile(path);
  }
  return files;
}

async function inTemporaryFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What may be read is packages alone: the renderer of PNG and its font. */
const PACKAGES = new URL("../../node_modules", import.meta.url).pathname;
const DENO = ["run", "--no-prompt", "--frozen", `--allow-read=${PACKAGES}`];

/** The fixture report as two processes wrote it, on machines that differ in their settings. */
async function writtenTwice(folder: string, ...more: string[]): Promise<Record<string, string>[]> {
  return await Promise.all(["a", "b"].map(async (name) => {
    const target = join(folder, name);
    await Deno.mkdir(target);
    const script = new URL("write_fixture_report.ts", import.meta.url).pathname;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...DENO, `--allow-write=${target}`, script, target, ...more],
      env: { TZ: name === "a" ? "UTC" : "Asia/Tokyo", LANG: name === "a" ? "C" : "de_DE.UTF-8" },
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return await readTree(target);
  }));
}

Deno.test("a report written in two processes that may write its folder and read packages has the same bytes", async () => {
  await inTemporaryFolder(async (folder) => {
    const trees = await writtenTwice(folder);
    const drawn = [
      "along-sweep-sweep-gold",
      "along-sweep-sweep-kl",
      "gradient-share",
      "lengths",
      "logps",
      "margin-accuracy",
      "over-optimisation-winRate-kl",
      "radar-mt-bench-categories",
      "scatter-alpaca-eval-annotations-lengthControlled-winRate",
      "tradeoff-gold-kl",
      "tradeoff-win-rate-ref-gold-kl",
      "training-gold",
    ];
    assert.deepEqual(Object.keys(trees[0]).sort(), [
      ...drawn.flatMap((id) => [`figures/${id}.png`, `figures/${id}.svg`]),
      "index.html",
      "report.json",
      "report.md",
      "report.tex",
      "table-alpaca-eval-annotations.csv",
      "table-mt-bench-categories.csv",
      "table-sweep-sweep-gold.csv",
      "table-sweep-sweep-kl.csv",
      "table.csv",
      "table.txt",
    ]);
    assert.deepEqual(trees[0], trees[1]);
  });
});

Deno.test("verdicts on printed numbers and the paper's tables have the same bytes in two processes", async () => {
  await inTemporaryFolder(async (folder) => {
    const [one, other] = await writtenTwice(folder, "verdicts");
    assert.deepEqual(one, other);
    for (const name of ["index.html", "report.md", "report.tex", "table.txt"]) {
      assert.match(one[name], /swapped in print/, name);
      assert.match(one[name], /Table 4 of the paper, from this run/, name);
    }
    assert.match(one["reconcile.csv"], /swapped in print/);
    assert.match(one["index.html"], /What this run says/);
  });
});

Deno.test("renderReport() admits by its policy just the styles and the script it carries", async () => {
  const page = renderReport(await withFigures(), runFactsFixture());
  const policy = page.match(/http-equiv="Content-Security-Policy" content="([^"]*)"/)![1];
  assert.match(policy, /^default-src 'none';/);
  const inline = [...page.matchAll(/<(style|script)>(.*?)<\/\1>/gs)];
  assert.equal(inline.length, 2 + figuresFixture.length);
  for (const [, kind, content] of inline) {
    const hash = Buffer.from(sha256(content), "hex").toString("base64");
    assert.ok(
      policy.split(";").some((part) => part.includes(`${kind}-src`) && part.includes(hash)),
    );
  }
  assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=|<link|<iframe|javascript:/);
  assert.doesNotMatch(page, /(?:src|href|action)="(?!#)/);
});

Deno.test("renderReport() shows hostile text everywhere without acting on it", () => {
  const count = (page: string) => page.match(/<[a-z][a-z0-9]*/gi)!.length;
  const plain = count(renderReport(hostileReport("x"), hostileRun("x")));
  for (const text of Object.values(injections)) {
    const page = renderReport(hostileReport(text), hostileRun(text));
    assert.equal(count(page), plain, text);
    assert.doesNotMatch(page, /(?![\n\t])\p{Cc}|\p{Cf}/u);
  }
});

Deno.test("renderReport() has one first heading, unique ids, and links that lead somewhere", async () => {
  const page = renderReport(await withFigures(), runFactsFixture());
  assert.equal(page.match(/<h1/g)!.length, 1);
  const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  const labels = [...page.matchAll(/aria-labelledby="([^"]+)"/g)].flatMap(([, id]) =>
    id.split(" ")
  );
  for (const id of [...targets, ...labels]) assert.ok(ids.includes(id), id);
});

Deno.test("renderReport() tells claim and answer before the first table", () => {
  const page = renderReport(reportFixture(), null);
  const [claim, answer, table] = [
    "implicitly an adversarial regulariser",
    "<strong>This run cannot tell.</strong>",
    '<table class="booktabs"',
  ].map((text) => page.indexOf(text));
  assert.ok(0 < claim && claim < answer && answer < table);
});

Deno.test("renderReport() states the facts of a run only when it is given them", () => {
  const [without, given] = [
    renderReport(reportFixture(), null),
    renderReport(reportFixture(), runFactsFixture()),
  ];
  for (
    const fact of ["onnxruntime", "4 min 11 s", "34% of the replies ran on", "beta: 0.1", "01cc"]
  ) {
    assert.ok(!without.includes(fact) && given.includes(fact), fact);
  }
  for (const { origins } of reportFixture().results.systems) {
    for (const { instance, digest } of origins) {
      assert.ok(without.includes(instance) && without.includes(digest));
    }
  }
});

Deno.test("renderReport() leaves out what the input lacks: test, figures, comparisons, examples, audits", () => {
  const input = reportFixture();
  const results = { ...input.results, comparisons: [], curves: [], examples: [] };
  const table = { title: "t", columns: [{ metric: "gold" }] };
  const page = renderReport({ ...input, results, table, test: null, audits: [] }, null);
  for (const id of ["figures", "comparisons", "prompts", "audit"]) {
    assert.ok(!page.includes(`id="${id}"`), id);
  }
  assert.ok(!page.includes("What this run says"));
  assert.ok(page.includes("The paper&#39;s claim, not tested by this run"));
});

Deno.test("the Markdown and LaTeX reports carry claim, answer and every table", async () => {
  const input = await withFigures();
  const markdown = renderMarkdownReport(input);
  assert.match(markdown, /\n## Every seed\n/);
  assert.match(markdown, /\n## Everything measured\n/);
  assert.match(markdown, /!\[.*\]\(figures\/logps\.svg\)/);
  const latex = renderLatexReport(input);
  assert.equal(latex.match(/\\begin\{table\}/g)!.length, 5);
  assert.match(latex, /\\section\*\{[^\n]*\}\n\\suppressfloats\[t\]\n/, "no table above the title");
  for (const text of [markdown, latex]) {
    assert.match(text, /This run cannot tell\. By Gold reward,/);
  }
});

Deno.test("writeReport() refuses the same figure twice", async () => {
  await inTemporaryFolder(async (folder) => {
    const { figures: _, ...undrawn } = reportFixture();
    await assert.rejects(
      writeReport(undrawn, [figuresFixture[2], figuresFixture[2]], folder),
      /figures\[1\]: Expected each figure once but found tradeoff-gold-kl twice\./,
    );
  });
});

Deno.test("the report stage reads its inputs and writes the artifact", async () => {
  await inTemporaryFolder(async (folder) => {
    const { results, audits, title, table, test, notes } = reportFixture();
    for (const name of ["results", "audit", "report"]) await Deno.mkdir(join(folder, name));
    await Deno.writeTextFile(join(folder, "results/results.json"), canonicalJson(results));
    await Deno.writeTextFile(join(folder, "audit/audit.json"), canonicalJson(audits[0]));
    const artifact = (type: string) => ({
      path: join(folder, type),
      type,
      digest: "",
      from: `${type}/fixture`,
      axes: {},
    });
    const figures = [{ kind: "logps", systems: ["dpo", "rpo-sum"] }];
    await report.run({
      params: report.params.parse({ title, table, test, notes, figures }),
      instanceId: "report",
      run: "0001",
      input: (port) => artifact(port),
      inputs: (port) => {
        if (["scores", "reconciliations", "judgments"].includes(port)) return [];
        return [artifact(port === "audits" ? "audit" : port)];
      },
      output: () => join(folder, "report"),
      scratch: folder,
      cache: () => folder,
      signal: new AbortController().signal,
      progress: () => {},
      measure: () => {},
      log: () => {},
      warn: () => {},
    });
    const written = await readTree(join(folder, "report"));
    assert.match(written["table.txt"], /RPO sequence_mean/);
    assert.match(written["index.html"], /tokenize\/train@seed=0/);
    const input = JSON.parse(written["report.json"]) as ReportInput;
    assert.equal(renderReport(input, null), written["index.html"]);
  });
});

Deno.test("the report stage refuses parameters that it does not know", () => {
  const table = { title: "t", columns: [{ metrics: "gold" }] };
  const parsed = report.params.safeParse({
    title: "x",
    table,
    test: { ...reportFixture().test, overOptimised: { end: "dpo", stopped: "dpo" } },
    figures: [{ kind: "pie" }],
    colour: 1,
  });
  assert.equal(parsed.success, false);
  const paths = parsed.error!.issues.map(({ path }) => path.join("."));
  assert.deepEqual(paths.sort(), [
    "",
    "figures.0.kind",
    "table.columns.0",
    "test.overOptimised.stopped",
  ]);
});
