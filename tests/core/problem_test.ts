import assert from "node:assert/strict";
import { InputError, nearest, ProblemTally } from "../../core/problem.ts";
import { float32, int64 } from "../../core/tensor.ts";

Deno.test("nearest() finds a misspelt word and leaves strangers alone", () => {
  const words = ["beta", "eta", "learningRate", "schedule"];
  assert.equal(nearest("bta", words), "beta");
  assert.equal(nearest("learning_rate", words), "learningRate");
  assert.equal(nearest("shcedule", words), "schedule");
  assert.equal(nearest("tokenizer", words), undefined);
});

Deno.test("InputError shows every problem with its path and nearest choice", () => {
  const problems = [
    { path: "a.yaml:3: x", message: "Unknown key.", nearest: "y" },
    { path: "b.jsonl:7", message: "Expected text but found 3." },
  ];
  assert.equal(
    new InputError(problems).message,
    '2 problems:\n  a.yaml:3: x: Unknown key. Did you mean "y"?\n  b.jsonl:7: Expected text but found 3.',
  );
  assert.equal(new InputError(problems.slice(1)).message, "b.jsonl:7: Expected text but found 3.");
});

Deno.test("float32() and int64() refuse data that does not fill the shape", () => {
  assert.deepEqual(int64([2], [1, 2]).data, new BigInt64Array([1n, 2n]));
  assert.throws(() => float32([2, 3], new Float32Array(5)), {
    name: "RangeError",
    message: "Expected 6 elements for shape [2, 3] but found 5.",
  });
});

Deno.test("ProblemTally keeps the first 20 problems and counts the others", () => {
  const tally = new ProblemTally();
  tally.refuse();
  const problem = (i: number) => ({ path: `row ${i}`, message: "is empty." });
  for (let i = 0; i < 50; i += 5) tally.add(Array.from({ length: 5 }, (_, j) => problem(i + j)));
  assert.throws(() => tally.refuse(), (error: InputError) => {
    assert.equal(error.problems.length, 21);
    assert.deepEqual(error.problems.slice(0, 20), Array.from({ length: 20 }, (_, i) => problem(i)));
    assert.deepEqual(error.problems[20], { path: "…", message: "30 more problems." });
    return true;
  });
});
