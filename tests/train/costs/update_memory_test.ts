import assert from "node:assert/strict";
import { updateMemory } from "../../../train/costs/update_memory.ts";

const PIECE = 4 * 2 ** 25; // bytes of a piece on a GPU, of 2²⁵ floats

Deno.test("updateMemory() holds three pieces beside those that are updated, and the squares of one", () => {
  // Scaled gradients; of both moments the scaled one, the square and sums, each where one was freed.
  const whole = updateMemory({ weights: 2 ** 30 });
  assert(whole > 4 * PIECE && whole <= 2 * 4 * PIECE, "regions may be twice as large");
  assert.equal(updateMemory({ weights: 1000 }), 2 * 2 ** 20, "the first regions of two sessions");
});

Deno.test("updateMemory() of moments on the host has those of a piece as they are fed and become", () => {
  const piece = PIECE / 4;
  const offloaded = updateMemory({ weights: 2 ** 30, offloadMoments: true });
  assert(offloaded >= 4 * piece + PIECE, "norms are measured over whole pieces");
  assert(offloaded < updateMemory({ weights: 2 ** 30 }));
});

Deno.test("updateMemory() of moments in bfloat16 is of smaller pieces, with noise to round by", () => {
  const piece = 4 * 2 ** 22;
  const halved = updateMemory({ weights: 2 ** 30, moments: "bfloat16" });
  assert(halved > 6 * piece && halved < PIECE * 4);
});

Deno.test("updateMemory() of moments on the host is of a tensor at a time, norms of all", () => {
  const of = (largest: number) => updateMemory({ weights: 2 ** 30, largest, offloadMoments: true });
  const [less, more] = [of(2 ** 22), of(2 ** 23)];
  assert(more - less >= 7 * 4 * 2 ** 22 && more - less < 2 * 7 * 4 * 2 ** 22);
  const placed = (largest: number) => updateMemory({ weights: 2 ** 30, largest });
  assert.equal(placed(1000), placed(2 ** 30));
});
