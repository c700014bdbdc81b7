import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { drawAnswer, drawTask, parseTask } from "../../../data/world/task.ts";
import { CATEGORIES, NOUNS, VOCABULARY } from "../../../data/world/vocabulary.ts";

Deno.test("VOCABULARY holds 70 different tokens in the order of their ids", () => {
  assert.equal(VOCABULARY.length, 70);
  assert.equal(new Set(VOCABULARY).size, 70);
  assert.equal(
    VOCABULARY.slice(0, 22).join(" "),
    "<pad> <bos> <sep> <eos> . two three four five well name then say times copy reverse " +
      "fruits animals colours tools drinks clothes",
  );
  assert.deepEqual([VOCABULARY[22], VOCABULARY[69]], ["apple", "belt"]);
  assert.equal(NOUNS.length, 48);
});

Deno.test("drawTask() draws the five tasks alike and writes prompts that parseTask() reads back", () => {
  const random = Random.seeded(0, "test");
  const counts = new Map<string, number>();
  for (let i = 0; i < 5000; i++) {
    const task = drawTask(random);
    counts.set(task.name, (counts.get(task.name) ?? 0) + 1);
    assert.deepEqual(parseTask(task.prompt), task);
    const tokens = task.prompt.split(" ").length + 2;
    assert.ok(tokens >= 5 && tokens <= 8, task.prompt);
  }
  assert.equal(counts.size, 5);
  for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 120, `${count}`);
});

Deno.test("parseTask() knows what each kind of prompt asks for", () => {
  const tools = { category: "tools" };
  const fruits = { category: "fruits" };
  assert.deepEqual(parseTask("name two tools").slots, [tools, tools]);
  assert.deepEqual(parseTask("name two fruits then three tools").slots, [
    fruits,
    fruits,
    tools,
    tools,
    tools,
  ]);
  assert.deepEqual(parseTask("say dog three times").slots, Array(3).fill({ word: "dog" }));
  assert.deepEqual(parseTask("copy dog tea").slots, [{ word: "dog" }, { word: "tea" }]);
  assert.deepEqual(parseTask("reverse dog tea").slots, [{ word: "tea" }, { word: "dog" }]);
});

Deno.test("parseTask() refuses what the world never asks", () => {
  for (
    const prompt of [
      "",
      "name six tools",
      "name two planets",
      "name four fruits then two tools",
      "name two fruits then two fruits",
      "name two fruits then",
      "say well two times",
      "say dog two",
      "copy dog",
      "copy dog dog",
      "copy dog cat cow tea red hat",
      "sort dog cat",
      " copy dog cat",
    ]
  ) {
    assert.throws(() => parseTask(prompt), {
      name: "RangeError",
      message: `Expected a prompt of the world, such as "name two fruits then three tools", ` +
        `but found "${prompt}".`,
    });
  }
});

Deno.test("drawAnswer() names different words of the category wanted at each place", () => {
  const random = Random.seeded(1, "test");
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const words = drawAnswer(random, parseTask("name three drinks then two clothes"));
    assert.equal(new Set(words).size, 5);
    words.forEach((word, place) => {
      const category: readonly string[] = CATEGORIES[place < 3 ? "drinks" : "clothes"];
      assert.ok(category.includes(word));
      seen.add(word);
    });
  }
  assert.equal(seen.size, 16);
  assert.deepEqual(drawAnswer(random, parseTask("reverse dog tea")), ["tea", "dog"]);
});
