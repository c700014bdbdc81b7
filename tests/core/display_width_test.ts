import assert from "node:assert/strict";
import { displayWidth, pad, truncate } from "../../core/display_width.ts";
import { visibleText } from "../../core/visible_text.ts";

Deno.test("displayWidth() counts wide characters as two and combining ones as none", () => {
  assert.equal(displayWidth("abc"), 3);
  assert.equal(displayWidth("長い"), 4);
  assert.equal(displayWidth("e\u0301"), 1);
});

Deno.test("truncate() and pad() keep to a width in columns", () => {
  assert.equal(truncate("abcdef", 6), "abcdef");
  assert.equal(truncate("abcdefg", 6), "abcde…");
  assert.equal(truncate("長長長", 5), "長長…");
  assert.equal(truncate("長長長", 4), "長…");
  assert.equal(truncate("abc", 0), "");
  assert.equal(pad("長", 4), "長  ");
});

Deno.test("visibleText() shows escape sequences and direction marks instead of obeying them", () => {
  assert.equal(visibleText("a\x1b[31mb\x07\u202ec\u009b"), "a\\x1b[31mb\\x07\\u202ec\\x9b");
  assert.equal(visibleText("a\nb\tc"), "a⏎b c");
  assert.equal(visibleText("a\nb", { keepLines: true }), "a\nb");
  assert.equal(visibleText("größe 長 🙂"), "größe 長 🙂");
});
