import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { drawTasks, splitOf } from "../../../data/world/splits.ts";
import { drawTask } from "../../../data/world/task.ts";

/** All prompts of the small tasks, found by drawing until none is new. */
function promptsOf(name: string): string[] {
  const random = Random.seeded(5, "test");
  const prompts = new Set<string>();
  for (let i = 0; i < 40000; i++) {
    const task = drawTask(random);
    if (task.name === name) prompts.add(task.prompt);
  }
  return [...prompts];
}

Deno.test("splitOf() equals the hash worked out by hand", () => {
  // "a": h = 97, which 5 does not divide; "d": h = 100, a multiple of 5, ⌊100/10⌋ = 10 even.
  assert.equal(splitOf("a"), "train");
  assert.equal(splitOf("d"), "validation");
  // "n": h = 110, ⌊110/10⌋ = 11 odd.
  assert.equal(splitOf("n"), "test");
});

Deno.test("splitOf() holds out 3 of 24, 32 of 120 and 32 of 192 prompts of the small tasks", () => {
  const held = Object.fromEntries(["name", "name2", "say"].map((name) => {
    const prompts = promptsOf(name);
    return [name, [prompts.filter((prompt) => splitOf(prompt) !== "train").length, prompts.length]];
  }));
  assert.deepEqual(held, { name: [3, 24], name2: [32, 120], say: [32, 192] });
});

Deno.test("splitOf() leaves prompts of every task in validation and in test", () => {
  for (const name of ["name", "name2", "say", "copy", "reverse"]) {
    const splits = new Set(promptsOf(name).map(splitOf));
    assert.equal(splits.size, 3, name);
  }
});

Deno.test("drawTasks() draws unique prompts of its own split, and the small tasks run out", () => {
  const options = { split: "train", count: 640, unique: true } as const;
  const tasks = [...drawTasks(Random.seeded(0, "test"), options)];
  assert.equal(new Set(tasks.map((task) => task.prompt)).size, 640);
  assert.ok(tasks.every((task) => splitOf(task.prompt) === "train"));
  const count = (name: string) => tasks.filter((task) => task.name === name).length;
  assert.equal(count("name"), 21);
  // The definition's seed had 228, 202, 111, 78.
  assert.ok(Math.abs(count("copy") - 215) < 45 && Math.abs(count("reverse") - 215) < 45);
  assert.ok(Math.abs(count("say") - 111) < 25 && Math.abs(count("name2") - 78) < 15);
});

Deno.test("drawTasks() refuses counts that it cannot draw", () => {
  const draw = (count: number) => [
    ...drawTasks(Random.seeded(0), { split: "train", count, unique: true }),
  ];
  assert.throws(
    () => draw(-1),
    new RangeError("Expected count to be an integer of at least 0 but found -1."),
  );
  assert.throws(
    () => draw(100001),
    new RangeError("Expected at most 100000 unique prompts a split but found 100001."),
  );
});
