import assert from "node:assert/strict";
import { isPlainPath, pathFaults } from "../../pipeline/plain_path.ts";

Deno.test("isPlainPath() takes files below a folder alone", () => {
  for (const path of ["a", "a/b.json", "figures/kl ref.svg", "...", "a..b", "ä/é"]) {
    assert(isPlainPath(path), path);
  }
  const leading = ["/etc/passwd", "../a", "a/../../b", "a/..", ".", "..", "", "a//b", "a/", "./a"];
  const odd = [
    "a\\..\\b",
    "C:/a",
    "C:\\a",
    "a:stream",
    "a\u0000b",
    "a\nb",
    "\ud800",
    "a".repeat(241),
  ];
  for (const path of [...leading, ...odd]) assert(!isPlainPath(path), JSON.stringify(path));
});

Deno.test("pathFaults() names what leaves, comes twice or lies below a file", () => {
  assert.deepEqual(pathFaults(["a", "b/c", "b/d"]), []);
  assert.deepEqual(pathFaults(["../a", "b", "b", "c", "c/d/e"]), [
    '"../a" does not stay in its folder',
    "b comes twice",
    "c/d/e lies below c, which is a file",
  ]);
});
