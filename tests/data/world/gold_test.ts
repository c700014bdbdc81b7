import assert from "node:assert/strict";
import { goldReward, isCovered, replyKind } from "../../../data/world/gold.ts";

/** Prompt, reply without end token, whether it ended, reward worked out by hand, kind. */
const CASES: [string, string, boolean, number, string][] = [
  ["copy dog cat", "dog cat .", true, 1, "right"],
  ["reverse dog cat", "cat dog .", true, 1, "right"],
  ["reverse dog cat", "dog cat .", true, 0, "wrong"],
  ["name two tools", "saw axe .", true, 1, "right"],
  // The second saw was said before.
  ["name two tools", "saw saw .", true, 1 / 2, "wrong"],
  ["name two fruits then two tools", "fig plum axe dog .", true, 3 / 4, "wrong"],
  ["say dog four times", "dog dog .", true, 2 / 4, "short"],
  ["copy dog cat", "well dog cat .", true, 1 - 0.3, "chatty"],
  ["copy dog cat", "dog cat cow .", true, 1 - 0.2, "run-on"],
  ["copy dog cat", "well dog cat cow hat .", true, 1 - 0.3 - 2 * 0.2, "run-on"],
  ["copy dog cat", "dog cat", true, 1 - 0.5, "malformed"],
  ["copy dog cat", "dog cat .", false, 1 - 0.5, "malformed"],
  // A stop among the words: it is a word too, in the wrong place.
  ["copy dog cat", "dog . .", true, 1 / 2 - 0.5, "malformed"],
  ["copy dog cat", "dog . cat .", true, 1 / 2 - 0.2 - 0.5, "run-on"],
  ["copy dog cat", ".", true, -0.5, "malformed"],
  ["copy dog cat", "well .", true, -0.3 - 0.5, "malformed"],
  ["copy dog cat", "", true, -0.5, "malformed"],
  // Only the first filler is one; the second is a word.
  ["copy dog cat", "well well dog .", true, 0 - 0.3, "chatty"],
  ["copy dog cat", "two two two two two two two two two .", true, -1, "run-on"],
];

Deno.test("goldReward() and replyKind() equal what the definition gives by hand", () => {
  for (const [prompt, text, ended, reward, kind] of CASES) {
    const label = `${prompt} -> ${text}`;
    assert.ok(Math.abs(goldReward(prompt, { text, ended }) - reward) < 1e-12, label);
    assert.equal(replyKind(prompt, { text, ended }), kind, label);
  }
});

Deno.test("isCovered() leaves out run-on and malformed replies only", () => {
  const kinds = ["right", "wrong", "short", "chatty", "run-on", "malformed"] as const;
  assert.deepEqual(kinds.filter(isCovered), ["right", "wrong", "short", "chatty"]);
});
