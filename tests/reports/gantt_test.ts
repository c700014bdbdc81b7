import assert from "node:assert/strict";
import { ganttSvg } from "../../reports/gantt.ts";
import { costTable } from "../../reports/cost_table.ts";
import { renderText } from "../../reports/text.ts";
import { injections } from "./injection_corpus.ts";
import { stageFixture } from "./report_fixture.ts";

const ran = (instance: string, begun: number, seconds: number) =>
  stageFixture(instance, "model", { state: "ran", begun, seconds });

/** The bars as x, y, width. */
function bars(svg: string): number[][] {
  return [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"/g)]
    .map((match) => match.slice(1).map(Number));
}

Deno.test("ganttSvg() draws what ran, in proportion, and puts what ran at once under each other", () => {
  const svg = ganttSvg([
    ran("train/a", 0, 10),
    ran("train/b", 5, 5),
    ran("train/c", 10, 10),
    stageFixture("world", "pairs", {}),
  ])!;
  const [a, c, b] = bars(svg);
  assert.equal(bars(svg).length, 3);
  assert.deepEqual([a[1], c[1]], [a[1], a[1]], "one after the other in one lane");
  assert.ok(b[1] > a[1], "at the same time in another");
  assert.ok(Math.abs(c[0] - (a[0] + a[2])) < 0.2 && Math.abs(2 * b[2] - a[2]) < 0.3);
  assert.match(svg, /<desc[^>]*>3 stages in 20 s: train from 0\.0 s to 20 s\.<\/desc>/);
  assert.equal(ganttSvg([stageFixture("world", "pairs", {})]), null);
});

Deno.test("ganttSvg() shows hostile names without acting on them", () => {
  const count = (svg: string) => svg.match(/<[a-z]+/g)!.length;
  const plain = count(ganttSvg([ran("x", 0, 1)])!);
  for (const text of Object.values(injections)) {
    assert.equal(count(ganttSvg([ran(text, 0, 1)])!), plain, text);
  }
});

Deno.test("costTable() adds up time, takes the most memory, and shows money where it is known", () => {
  const stages = [
    stageFixture("judge/a", "judgments", {
      ...{ seconds: 3, answers: 10, dollars: 0.25, state: "ran" as const },
    }),
    stageFixture("judge/b", "judgments", {
      ...{ seconds: 4, answers: 30, dollars: 0.5, peakMemoryBytes: 2 ** 30 },
    }),
    stageFixture("world", "pairs", { seconds: null }),
  ];
  const text = renderText(costTable(stages));
  assert.match(text, /judge +2 +1 +7\.0 +1024 +40 +0\.7500/);
  assert.match(text, /world +1 +0 +– +296 +– +–/);
  assert.match(text, /All together +3 +1 +7\.0 +1024 +40 +0\.7500/);
  assert.ok(!renderText(costTable(stages.slice(2))).includes("Cost"));
});
