import assert from "node:assert/strict";
import { describe, requireEqualFigures } from "../../bench/alpaca_eval/compare.ts";

const figures = { winRate: 10, standardError: 1, lengthControlledWinRate: 20 };
const round = (processSeconds: number, scoreSeconds: readonly number[]) => ({
  ...figures,
  processSeconds,
  scoreSeconds,
  otherCores: 0,
});

Deno.test("describe() divides alpaca_eval's seconds by Ballast's within a round", () => {
  const lines = describe({
    ballast: [round(1, [0.2, 0.1, 0.1]), round(2, [0.2, 0.1, 0.3])],
    alpacaEval: [round(8, [0.8, 0.6, 0.6]), round(4, [0.8, 0.6, 0.6])],
  }).split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(lines.map(([, , , ratio]) => ratio).slice(1, 4), [
    "5.0 (2.0 … 8.0)",
    "4.0",
    "4.5 (3.0 … 6.0)",
  ]);
});

Deno.test("requireEqualFigures() refuses figures that differ, the length-controlled ones loosely", () => {
  requireEqualFigures(round(1, [1]), { ...round(1, [1]), lengthControlledWinRate: 20.04 });
  const other = { ...round(1, [1]), winRate: 10.001 };
  assert.throws(() => requireEqualFigures(round(1, [1]), other), {
    name: "ExpectedError",
    message: "Expected the same winRate of both systems within 0.000001 but found 10 (ballast) " +
      "and 10.001 (alpaca_eval).",
  });
});
