import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { DEMONSTRATORS, drawDemonstration } from "../../../data/world/demonstrators.ts";
import { goldReward, replyKind } from "../../../data/world/gold.ts";
import { drawTask } from "../../../data/world/task.ts";

function draw(count: number) {
  const random = Random.seeded(3, "test");
  return Array.from({ length: count }, () => {
    const task = drawTask(random);
    const { text, demonstrator } = drawDemonstration(random, task);
    const tokens = text.split(" ").length + 1;
    const reply = { text, ended: true };
    const [reward, kind] = [goldReward(task.prompt, reply), replyKind(task.prompt, reply)];
    return { task, text, demonstrator, tokens, reward, kind };
  });
}

Deno.test("drawDemonstration() has the mean reward, mean length and shares of the definition", () => {
  const draws = draw(20000);
  const mean = (value: (draw: (typeof draws)[number]) => number) =>
    draws.reduce((sum, one) => sum + value(one), 0) / draws.length;
  // Standard errors over 20,000 draws: 0.003 and 0.015.
  assert.ok(Math.abs(mean(({ reward }) => reward) - 0.687) < 0.01);
  assert.ok(Math.abs(mean(({ tokens }) => tokens) - 6.07) < 0.05);
  for (const [name, share] of Object.entries(DEMONSTRATORS)) {
    const found = mean(({ demonstrator }) => demonstrator === name ? 1 : 0);
    assert.ok(Math.abs(found - share) < 0.012, `${name}: ${found}`);
  }
});

Deno.test("drawDemonstration() gives each demonstrator the replies that it is named for", () => {
  const kinds = new Map<string, Set<string>>();
  for (const { demonstrator, kind, tokens } of draw(20000)) {
    kinds.set(demonstrator, (kinds.get(demonstrator) ?? new Set()).add(kind));
    assert.ok(tokens <= 16);
  }
  const found = Object.fromEntries([...kinds].map(([name, set]) => [name, [...set].sort()]));
  assert.deepEqual(found, {
    expert: ["right"],
    // A noun drawn at random may happen to be right.
    sloppy: ["right", "wrong"],
    short: ["short"],
    chatty: ["chatty"],
    "run-on": ["run-on"],
    "no-stop": ["malformed"],
  });
});
