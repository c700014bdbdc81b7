import assert from "node:assert/strict";
import fc from "fast-check";
import { StopTexts } from "../../../eval/serve/stop_texts.ts";

Deno.test("StopTexts holds back what may be the beginning of a stop text", () => {
  const stops = new StopTexts(["###", "\n\n"]);
  assert.deepEqual(stops.push("a#"), { text: "a", stopped: false });
  assert.deepEqual(stops.push("#b\n"), { text: "##b", stopped: false });
  assert.deepEqual(stops.push("c"), { text: "\nc", stopped: false });
  assert.deepEqual(stops.push("d\n\n###"), { text: "d", stopped: true });
});

Deno.test("StopTexts gives the same text however it is cut into pieces", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 12 });
  const stop = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(letters), fc.array(stop, { maxLength: 3 }), (pieces, list) => {
      const whole = pieces.join("");
      const ends = list.map((each) => whole.indexOf(each)).filter((at) => at >= 0);
      // A stop text that ends earlier stops the text although another begins before it.
      const first = Math.min(
        ...list.flatMap((each) => {
          const at = whole.indexOf(each);
          return at < 0 ? [] : [at + each.length];
        }),
      );
      const stops = new StopTexts(list);
      let text = "";
      for (const piece of pieces) {
        for (const letter of piece) {
          const released = stops.push(letter);
          text += released.text;
          if (released.stopped) {
            assert.ok(text.length <= first && first < Infinity);
            assert.equal(text, whole.slice(0, text.length));
            assert.ok(list.some((each) => whole.startsWith(each, text.length)));
            return;
          }
        }
      }
      assert.deepEqual(ends, []);
      assert.equal(text + stops.flush(), whole);
    }),
  );
});
