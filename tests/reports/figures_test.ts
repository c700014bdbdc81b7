import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import type { Results } from "../../core/results.ts";
import { drawFigure } from "../../reports/figures/draw_figure.ts";
import { figuresFixture } from "./figures_fixture.ts";
import { injections } from "./injection_corpus.ts";
import { resultsFixture } from "./results_fixture.ts";

/** The fixture with one text as every label. */
function labelled(text: string): Results {
  const results = resultsFixture();
  const metrics = Object.fromEntries(
    Object.entries(results.metrics).map(([name, metric]) => [name, { ...metric, label: text }]),
  );
  return {
    ...results,
    metrics,
    systems: results.systems.map((system) => ({ ...system, label: `${text} ${system.id}` })),
    curves: results.curves.map((curve) => ({ ...curve, label: `${text} ${curve.system}` })),
  };
}

function elements(svg: string): number {
  return svg.match(/<[a-z]+/g)!.length;
}

for (const spec of figuresFixture) {
  Deno.test(`drawFigure() draws ${spec.kind} with a title, a description, no script and nothing from outside`, async () => {
    const { svg, title, description, id } = await drawFigure(resultsFixture(), spec);
    assert.ok(svg.startsWith("<svg xmlns="));
    assert.ok(svg.includes(`<title id="figure-${id}-title">${title}</title>`));
    assert.ok(svg.includes(`<desc id="figure-${id}-desc">`));
    assert.ok(description.includes("RPO sum"));
    assert.doesNotMatch(svg, /<script|<image|<foreignObject|href=|url\(|@import|NaN|undefined/);
    assert.deepEqual(svg.match(/\sid="[^"]*"/g)!.length, 2);
  });

  Deno.test(`drawFigure() shows hostile labels in ${spec.kind} without acting on them`, async () => {
    const plain = elements((await drawFigure(labelled("x"), spec)).svg);
    for (const text of Object.values(injections)) {
      const { svg } = await drawFigure(labelled(text), spec);
      assert.equal(elements(svg), plain, text);
      assert.doesNotMatch(svg, /(?![\n\t])\p{Cc}|\p{Cf}/u);
    }
  });
}

Deno.test("drawFigure() marks the best point of each seed of the stopped system", async () => {
  const { description, svg } = await drawFigure(resultsFixture(), figuresFixture[1]);
  assert.match(description, /Best of DPO: seed 0: 0\.7\d\d at step \d+, seed 1: .*, seed 2: .*\.$/);
  const without = await drawFigure(resultsFixture(), {
    kind: "training",
    value: "gold",
    systems: ["sft", "dpo", "rpo-sum", "rpo-sequence-mean"],
  });
  assert.equal(elements(svg) - elements(without.svg), 3);
});

/** The fixture with one seed of every curve and number, its curves under other names too. */
function oneSeed(): Results {
  const results = resultsFixture();
  return {
    ...results,
    seeds: [0],
    curves: results.curves.filter(({ seed }) => seed === 0).map((curve) => ({
      ...curve,
      points: curve.points.map(({ step, values }) => ({
        step,
        values: { ...values, trainChosenLogp: -1, trainRejectedLogp: -2 },
      })),
    })),
  };
}

Deno.test("drawFigure() speaks of a mean over seeds only where there are several", async () => {
  for (const spec of figuresFixture) {
    const { caption, description } = await drawFigure(resultsFixture(), spec);
    assert.match(caption + description, /mean over seeds/);
    const alone = await drawFigure(oneSeed(), spec);
    assert.doesNotMatch(alone.caption + alone.description, /mean over seeds/);
    assert.match(alone.caption, /One seed\./);
  }
});

Deno.test("drawFigure() tells held-out pairs from those of the training batches", async () => {
  const held = await drawFigure(oneSeed(), figuresFixture[0]);
  assert.match(held.caption, /mean over held-out validation pairs\./);
  const spec = { kind: "logps", systems: ["dpo"], rejected: "trainRejectedLogp" } as const;
  const seen = await drawFigure(oneSeed(), { ...spec, chosen: "trainChosenLogp" });
  assert.match(seen.caption, /mean over the pairs of the training batches in a window of steps\./);
  const mixed = await drawFigure(oneSeed(), { ...spec, chosen: "chosenLogp" });
  assert.match(
    mixed.caption,
    /chosen: mean over held-out .*; rejected: mean over the pairs of the/,
  );
  const loss = { kind: "training", value: "trainChosenLogp", systems: ["dpo"] } as const;
  assert.match((await drawFigure(oneSeed(), loss)).caption, /in the training batches, averaged/);
});

Deno.test("drawFigure() names every system and quantity that no curve holds", async () => {
  await assert.rejects(
    drawFigure(resultsFixture(), { kind: "training", value: "golld", systems: ["dppo"] }),
    (error) => {
      assert.ok(error instanceof InputError);
      assert.deepEqual(error.problems.map(({ nearest }) => nearest), ["dpo", "gold"]);
      return true;
    },
  );
  await assert.rejects(
    drawFigure(resultsFixture(), { kind: "tradeoff", x: "kll", y: "gold" }),
    /figures\.tradeoff\.x: No metric is called "kll".*Did you mean "kl"\?/,
  );
});
