import arimo from "@expo-google-fonts/arimo/package.json" with { type: "json" };
import { initWasm, Resvg } from "@resvg/resvg-wasm";

/** Dots an inch for a figure as wide as it is on the page: 96 units of SVG are an inch. */
const SCALE = 3;

/**
 * Draws a figure's SVG as PNG, for LaTeX: light on any machine, 288 dots an inch. The renderer is compiled to
 * WebAssembly and the font comes with it, so that equal SVG gives equal bytes on every processor. A
 * letter that the font lacks (it has Latin, Greek, Cyrillic and Hebrew) is left out.
 */
export async function renderPng(svg: string): Promise<Uint8Array> {
  const fontBuffers = await (ready ??= prepare());
  const drawing = new Resvg(svg.replace(/<style>.*?<\/style>/s, ""), {
    fitTo: { mode: "zoom", value: SCALE },
    font: { fontBuffers, defaultFontFamily: "Arimo", sansSerifFamily: "Arimo" },
  });
  try {
    return drawing.render().asPng();
  } finally {
    drawing.free();
  }
}

/** The renderer can be set up once a process. */
let ready: Promise<Uint8Array[]> | undefined;

async function prepare(): Promise<Uint8Array[]> {
  const read = (path: string) => Deno.readFile(new URL(import.meta.resolve(path)));
  await initWasm(await read("@resvg/resvg-wasm/index_bg.wasm"));
  return await Promise.all(["400Regular", "700Bold"].map((weight) =>
    // The package's own module is for phones; naming its version above puts it in the stage's key.
    read(`${arimo.name}/${weight}/Arimo_${weight}.ttf`)
  ));
}
