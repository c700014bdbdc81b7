import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import type { Results } from "../../core/results.ts";
import type { FigureSpec } from "../../reports/figure.ts";
import { FIGURE_STYLE } from "../../reports/figure.ts";
import { drawFigure, type FigureSources } from "../../reports/figures/draw_figure.ts";
import { figuresFixture, figureSourcesFixture, otherFiguresFixture } from "./figures_fixture.ts";
import { injections } from "./injection_corpus.ts";

const sources = figureSourcesFixture();
const every = [...figuresFixture, ...otherFiguresFixture];

function draw(spec: FigureSpec, changed: Partial<FigureSources> = {}) {
  return drawFigure({ ...sources, ...changed }, spec);
}

/** The fixture with one text in every label, names that figures ask for as they were. */
function labelled(text: string): FigureSources {
  const { results, scores = [] } = sources;
  const name = <T extends { id: string }>(each: T) => ({ ...each, label: `${text} ${each.id}` });
  return {
    ...sources,
    results: {
      ...results,
      metrics: Object.fromEntries(
        Object.entries(results.metrics).map(([id, metric]) => [id, { ...metric, label: text }]),
      ),
      systems: results.systems.map(name),
      curves: results.curves.map((curve) => ({ ...curve, label: `${text} ${curve.system}` })),
    },
    scores: scores.map((each) => ({
      ...each,
      tables: each.tables.map((table) => ({
        ...{ ...table, title: text, columns: table.columns.map(name), rows: table.rows.map(name) },
      })),
    })),
  };
}

function elements(svg: string): number {
  return svg.match(/<[a-z]+/g)!.length;
}

for (const [i, spec] of every.entries()) {
  const named = `figure ${i + 1}, ${spec.kind},`;

  Deno.test(`drawFigure() draws ${named} with a title, a description, no script and nothing from outside`, async () => {
    const { svg, title, description, id, caption } = await draw(spec);
    assert.ok(svg.startsWith("<svg xmlns="));
    assert.ok(svg.includes(`<title id="figure-${id}-title">${title}</title>`));
    assert.ok(svg.includes(`<desc id="figure-${id}-desc">`));
    assert.match(description, /RPO sum: .*\d/);
    for (const text of [svg, description, caption]) assert.doesNotMatch(text, /NaN|undefined|null/);
    assert.doesNotMatch(svg, /<script|<image|<foreignObject|href=|url\(|@import/);
    assert.deepEqual(svg.match(/\sid="[^"]*"/g)!.length, 2);
  });

  Deno.test(`drawFigure() draws ${named} twice with the same bytes`, async () => {
    assert.deepEqual(await draw(spec), await draw(spec));
  });

  Deno.test(`drawFigure() draws ${named} in colours that dark mode swaps, each`, async () => {
    const body = (await draw(spec)).svg.replace(/<style>.*?<\/style>/s, "");
    const colours = [...body.matchAll(/(?:fill|stroke)="([^"]*)"/g)].map(([, colour]) => colour);
    assert.ok(colours.length > 0);
    for (const colour of new Set(colours)) {
      if (["none", "transparent"].includes(colour)) continue;
      assert.ok(FIGURE_STYLE.includes(`="${colour}"]`), colour);
    }
  });

  Deno.test(`drawFigure() shows hostile labels in ${named} without acting on them`, async () => {
    const plain = elements((await drawFigure(labelled("x"), spec)).svg);
    for (const text of Object.values(injections)) {
      const { svg } = await drawFigure(labelled(text), spec);
      assert.equal(elements(svg), plain, text);
      assert.doesNotMatch(svg, /(?![\n\t])\p{Cc}|\p{Cf}/u);
    }
  });
}

Deno.test("drawFigure() marks the best point of each seed of the stopped system", async () => {
  const { description, svg } = await draw(figuresFixture[1]);
  assert.match(description, /Best of DPO: seed 0: 0\.7\d\d at step \d+, seed 1: .*, seed 2: .*\.$/);
  const without = await draw({
    kind: "training",
    value: "gold",
    systems: ["sft", "dpo", "rpo-sum", "rpo-sequence-mean"],
  });
  assert.equal(elements(svg) - elements(without.svg), 3);
});

/** Curves of two seeds whose trainings end a step apart: win rates go up, then one of them falls. */
const unevenCurves: Results["curves"] = [[50, 70, 30], [52, 72, 60]].map((rates, seed) => ({
  ...{ system: "dpo", label: "DPO", seed },
  points: rates.map((winRate, i) => ({
    step: i === 2 ? 120 - seed : 60 * i,
    values: { winRate, kl: [0, 1, 8][i] },
  })),
}));

Deno.test("drawFigure() follows win rate against KL from begin to end, and says where it was highest", async () => {
  const spec = { kind: "over-optimisation", systems: ["dpo"], x: "kl", y: "winRate" } as const;
  const results = { ...sources.results, seeds: [0, 1], curves: unevenCurves };
  const { description, caption } = await draw(spec, { results });
  assert.equal(
    description,
    "DPO: from 51.0 at 0.00 (step 0), highest 71.0 at 1.00 (step 60), to 45.0 at 8.00 (step 120) " +
      "at the end; mean over seeds.",
  );
  assert.match(caption, /Dashed: where neither wins more often\.$/);
});

/** The results of the fixture with one seed, its curves under other names too. */
function oneSeed(): { results: Results } {
  const { results } = sources;
  return {
    results: {
      ...results,
      seeds: [0],
      curves: results.curves.filter(({ seed }) => seed === 0).map((curve) => ({
        ...curve,
        points: curve.points.map(({ step, values }) => ({
          step,
          values: { ...values, trainChosenLogp: -1, trainRejectedLogp: -2, trainMargin: 0.5 },
        })),
      })),
    },
  };
}

Deno.test("drawFigure() speaks of a mean over seeds only where there are several", async () => {
  for (const spec of figuresFixture) {
    const { caption, description } = await draw(spec);
    assert.match(caption + description, /mean over seeds/);
    const alone = await draw(spec, oneSeed());
    assert.doesNotMatch(alone.caption + alone.description, /mean over seeds/);
    assert.match(alone.caption, /One seed\./);
  }
});

Deno.test("drawFigure() tells held-out pairs from those of the training batches", async () => {
  const held = await draw(figuresFixture[0], oneSeed());
  assert.match(held.caption, /mean over held-out validation pairs\./);
  const spec = { kind: "logps", systems: ["dpo"], rejected: "trainRejectedLogp" } as const;
  const seen = await draw({ ...spec, chosen: "trainChosenLogp" }, oneSeed());
  assert.match(seen.caption, /mean over the pairs of the training batches in a window of steps\./);
  const mixed = await draw({ ...spec, chosen: "chosenLogp" }, oneSeed());
  assert.match(
    mixed.caption,
    /chosen: mean over held-out .*; rejected: mean over the pairs of the/,
  );
  const loss = { kind: "training", value: "trainChosenLogp", systems: ["dpo"] } as const;
  assert.match((await draw(loss, oneSeed())).caption, /in the training batches, averaged/);
  const margins = { kind: "margins", systems: ["dpo"], margin: "trainMargin" } as const;
  assert.match(
    (await draw({ ...margins, accuracy: "accuracy" }, oneSeed())).caption,
    /^Reward margin on the pairs of the training batches.*; preference accuracy on held-out/,
  );
});

Deno.test("drawFigure() names every system and quantity that no curve holds", async () => {
  await assert.rejects(draw({ kind: "training", value: "golld", systems: ["dppo"] }), (error) => {
    assert.ok(error instanceof InputError);
    assert.deepEqual(error.problems.map(({ nearest }) => nearest), ["dpo", "gold"]);
    return true;
  });
});

const refused: Readonly<Record<string, [FigureSpec, RegExp]>> = {
  "an unknown metric": [
    { kind: "tradeoff", x: "kll", y: "gold" },
    /^figures\.tradeoff\.x: No metric is called "kll".*Did you mean "kl"\?$/,
  ],
  "win rates over an unknown system, on an unknown metric": [
    { kind: "tradeoff", x: "kl", y: { winRateOver: "reff", on: "goldd" } },
    /y\.winRateOver: No system .*Did you mean "ref"\?\n.*y\.on: No metric .*Did you mean "gold"\?/,
  ],
  "win rates that nothing was compared by": [
    { kind: "tradeoff", x: "kl", y: { winRateOver: "ref", on: "accuracy" } },
    /^figures\.tradeoff\.y\.winRateOver: The results compare no system with "ref" on accuracy\.$/,
  ],
  "an unknown curve of margins": [
    { kind: "margins", systems: ["dpoo"], margin: "margin", accuracy: "accuracy" },
    /^figures\.margins: .*Did you mean "dpo"\?$/,
  ],
  "an unknown curve of KL": [
    { kind: "over-optimisation", systems: ["dpo"], x: "kll", y: "winRate" },
    /^figures\.over-optimisation: .*Did you mean "kl"\?$/,
  ],
  "an unknown curve of shares": [
    { kind: "gradient-share", systems: ["rpo-summ"] },
    /^figures\.gradient-share: .*Did you mean "rpo-sum"\?$/,
  ],
  "unknown sets and systems of lengths": [
    { kind: "lengths", sets: ["tokenize/trian@seed=0"], systems: ["dppo"] },
    /sets: No set .*"tokenize\/train@seed=0"\?\n.*systems: No system .*Did you mean "dpo"\?/,
  ],
  "an unknown table of scores": [
    { kind: "radar", rim: 10, table: "mt-bench/categoreis" },
    /^figures\.radar\.table: No table .*Did you mean "mt-bench\/categories"\?$/,
  ],
  "a table without categories": [
    { kind: "radar", rim: 10, table: "annotations" },
    /^figures\.radar\.table: Expected a table with three categories or more but found alpaca-eval\/annotations\.$/,
  ],
  "an unknown row of scores": [
    { kind: "radar", rim: 10, systems: ["RPO summ"] },
    /^figures\.radar\.systems: No row .*Did you mean "RPO sum"\?$/,
  ],
  "a value past the rim": [
    { kind: "radar", rim: 9 },
    /^figures\.radar\.rim: Expected a rim no lower than the highest value, 9\.2, but found 9\.$/,
  ],
  "an unknown column of scores": [
    { kind: "scatter", table: "annotations", x: "winRat", y: "lengthControlled" },
    /^figures\.scatter\.x: No column .*Did you mean "winRate"\?$/,
  ],
};
for (const [what, [spec, message]] of Object.entries(refused)) {
  Deno.test(`drawFigure() refuses ${what}`, async () => {
    await assert.rejects(draw(spec), (error: Error) => message.test(error.message));
  });
}

Deno.test("drawFigure() asks for a table's name where several have what it draws", async () => {
  const [mtBench, ...others] = sources.scores!;
  const again = { ...mtBench, origin: { ...mtBench.origin, instance: "mt-bench@seed=1" } };
  await assert.rejects(
    draw({ kind: "radar", rim: 10 }, { scores: [mtBench, again, ...others] }),
    /since several have three categories or more: mt-bench\/categories, mt-bench@seed=1\/categories\.$/,
  );
});

Deno.test("drawFigure() draws a system's win rate over itself as half, and intervals as bars", async () => {
  const spec = { kind: "tradeoff", x: "kl", y: { winRateOver: "ref" } } as const;
  const { description, caption, svg } = await draw(spec);
  assert.match(description, /^Ref: 50\.0 at 0\.00 \[0\.00, 0\.00\]\./);
  assert.match(description, /DPO: \d\d\.\d \[.*\] at \d\.\d\d \[.*\]\./);
  assert.match(caption, /Bars: 95% interval \(t over 3 seeds\)\. Dashed: where neither system/);
  const systems = sources.results.systems.map((system) => ({
    ...system,
    metrics: { ...system.metrics, kl: { ...system.metrics.kl, ci95: null } },
  }));
  const without = await draw(spec, { results: { ...sources.results, systems } });
  const bars = (drawn: string) => drawn.match(/opacity="0.8"/g)!.length;
  assert.deepEqual([bars(svg), bars(without.svg)], [11, 5], "Ref has none of its win rate");
});

Deno.test("drawFigure() leaves rows without a value out of radar and scatter, and names them", async () => {
  const scores = sources.scores!.map((each) => ({
    ...each,
    tables: each.tables.map((table) => ({
      ...table,
      rows: table.rows.map((row, i) => {
        if (i !== 1) return row;
        return { ...row, values: { ...row.values, Math: null, lengthControlled: null } };
      }),
    })),
  }));
  for (const spec of otherFiguresFixture.filter(({ kind }) => /radar|scatter/.test(kind))) {
    const { caption, description } = await draw(spec, { scores });
    assert.match(caption, /Left out, without .*: DPO\.$/);
    assert.doesNotMatch(description, /DPO/);
  }
});

Deno.test("drawFigure() draws sets of one name, as several seeds have, each by itself", async () => {
  const { audits } = sources;
  const set = { ...audits[0].sets[0], name: "train" };
  const named = [audits[0], audits[1]].map((audit) => ({ ...audit, sets: [set] }));
  const spec = { kind: "lengths", sets: ["train"], systems: [] } as const;
  const { description } = await draw(spec, { audits: named });
  assert.match(description, /^Chosen \(train, audit 1\): median 4\.5 tokens, mean 4\.8, 80% from /);
  assert.match(description, /Rejected \(train, audit 2\): .*\(n 200\)\.$/);
});

Deno.test("drawFigure() draws along rows a mark a number, in the rows' order, a panel a group", async () => {
  const marks = (svg: string) => svg.match(/<path aria-label|<path transform="translate/g)?.length;
  const spec = { kind: "along", table: "sweep-kl" } as const;
  const { svg } = await draw(spec);
  for (const text of ["train.beta = 0.1", "train.beta = 0.3", "train.eta", "reward", "0.01"]) {
    assert.ok(svg.includes(`>${text}</text>`), text);
  }
  assert.ok(svg.indexOf(">0</text>") < svg.indexOf(">0.01</text>"));
  const scores = sources.scores!.map((each) => ({
    ...each,
    tables: each.tables.map((table) => ({
      ...table,
      rows: table.rows.map((row, i) => i === 0 ? { ...row, values: {} } : row),
    })),
  }));
  const fewer = await draw(spec, { scores });
  assert.equal(marks(svg)! - marks(fewer.svg)!, 4, "the four numbers of a row");
});
