import assert from "node:assert/strict";
import { renderPng } from "../../reports/figures/render_png.ts";

/** Width and height from the header of a PNG. */
function sizeOf(png: Uint8Array): [number, number] {
  assert.deepEqual([...png.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(png.buffer, png.byteOffset);
  return [view.getUint32(16), view.getUint32(20)];
}

const svg = (inside: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="100" height="40">` +
  `<style>@media screen{rect{fill:black}}</style><rect width="100" height="40" fill="#ffffff"/>` +
  `${inside}</svg>`;
const text = (content: string, weight: string) =>
  svg(`<text x="5" y="20" font-family="Helvetica" font-weight="${weight}">${content}</text>`);

Deno.test("renderPng() draws three dots a unit, twice with the same bytes", async () => {
  const png = await renderPng(text("Abc", "normal"));
  assert.deepEqual(sizeOf(png), [300, 120]);
  assert.deepEqual(await renderPng(text("Abc", "normal")), png);
});

Deno.test("renderPng() draws text, in two weights, with the font that comes with it", async () => {
  const sizes = await Promise.all(
    [svg(""), text("Abc", "normal"), text("Abc", "bold")].map(renderPng),
  );
  const distinct = new Set(sizes.map((png) => png.toString()));
  assert.equal(distinct.size, 3);
});

Deno.test("renderPng() refuses what is no SVG", async () => {
  await assert.rejects(renderPng("<p>"));
});
