import assert from "node:assert/strict";
import { Message } from "../../../train/graph/protobuf.ts";

const hex = (message: Message) =>
  Array.from(message.bytes(), (byte) => byte.toString(16)).join(" ");

Deno.test("Message writes the wire format's own examples", () => {
  // https://protobuf.dev/programming-guides/encoding/: a = 150, b = "testing", c = { a = 150 }
  const test1 = new Message().integer(1, 150);
  assert.equal(hex(test1), "8 96 1");
  assert.equal(hex(new Message().string(2, "testing")), "12 7 74 65 73 74 69 6e 67");
  assert.equal(hex(new Message().message(3, test1)), "1a 3 8 96 1");
});

Deno.test("Message writes negative and large integers in ten and nine bytes", () => {
  assert.equal(hex(new Message().integer(1, -2)), "8 fe ff ff ff ff ff ff ff ff 1");
  assert.equal(hex(new Message().integer(1, -2n)), "8 fe ff ff ff ff ff ff ff ff 1");
  assert.equal(hex(new Message().integer(1, 2n ** 62n)), "8 80 80 80 80 80 80 80 80 40");
  assert.equal(
    hex(new Message().integer(1, 2 ** 53 - 1)),
    hex(new Message().integer(1, 2n ** 53n - 1n)),
  );
});

Deno.test("Message writes floats in little-endian order", () => {
  assert.equal(hex(new Message().float(2, 1)), "15 0 0 80 3f");
});
