import assert from "node:assert/strict";
import { readLogps, writeLogps } from "../../train/logps_file.ts";

const scores = [
  { id: "a", chosenLogp: -1 / 3, rejectedLogp: -2, chosenTokens: 3, rejectedTokens: 4 },
  { id: "b", chosenLogp: -5, rejectedLogp: null, chosenTokens: 6, rejectedTokens: null },
];

Deno.test("readLogps() reads back exactly what writeLogps() wrote", async () => {
  const folder = await Deno.makeTempDir();
  await writeLogps(folder, scores);
  assert.deepEqual(await readLogps(folder), scores);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("readLogps() names the row that is none", async () => {
  const folder = await Deno.makeTempDir();
  await writeLogps(folder, scores);
  await Deno.writeTextFile(`${folder}/logps.jsonl`, '{"id":"c"}\n', { append: true });
  await assert.rejects(readLogps(folder), {
    name: "InputError",
    message: `${folder}/logps.jsonl:3: Expected a row of log-probs but found {"id":"c"}.`,
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("readLogps() does not take a log-prob that was not finite for an absent one", async () => {
  const folder = await Deno.makeTempDir();
  await writeLogps(folder, [{ ...scores[0], rejectedLogp: -Infinity }]);
  await assert.rejects(readLogps(folder), /logps\.jsonl:1: Expected a row of log-probs/);
  await Deno.remove(folder, { recursive: true });
});
