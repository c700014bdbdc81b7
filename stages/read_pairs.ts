import { z } from "zod";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";

const limit = (split: string) =>
  z.int().min(1).optional().describe(
    `Rows to take from the start of the ${split} file; all if absent`,
  );

const params = z.strictObject({
  path: pathParam({
    kind: "folder",
    describe: "Folder with train_prefs.jsonl and test_prefs.jsonl (or .jsonl.gz), rows of plain " +
      "strings {prompt, chosen, rejected}, such as UltraFeedback binarized",
  }),
  trainLimit: limit("train"),
  testLimit: limit("test"),
  dropIdentical: z.boolean().default(false).describe("Leave out pairs with two equal replies"),
  dropEmpty: z.boolean().default(false).describe("Leave out pairs with an empty reply"),
  license: z.string().min(1).optional().describe("Licence of the rows, for the data card: mit"),
});

export default defineStage<z.infer<typeof params>>({
  name: "read-pairs",
  describe: "Read preference pairs from JSON Lines files and check every row",
  params,
  inputs: {},
  outputs: { train: { type: "pairs" }, test: { type: "pairs" } },
  resources: () => ({ cores: 1, memory: 300 }),
  estimateSeconds: () => 2,
  module: import.meta.url,
  async run({ params, output, log }) {
    const { findPreferenceFiles } = await import("../data/sources/preference_folder.ts");
    const { dropRows } = await import("../data/sources/drop_rows.ts");
    const { readPreferenceRows } = await import("../data/sources/preference_rows.ts");
    const { writePairs } = await import("../data/pairs_file.ts");
    const files = await findPreferenceFiles(params.path);
    for (
      const [split, limit] of [["train", params.trainLimit], ["test", params.testLimit]] as const
    ) {
      const dropped: string[] = [];
      const rows = dropRows(readPreferenceRows(files[split], { limit }), {
        dropIdentical: params.dropIdentical,
        dropEmpty: params.dropEmpty,
        onDrop: (id) => dropped.push(id),
      });
      const count = await writePairs(output(split), rows);
      const left = dropped.slice(0, 20).join(", ") + (dropped.length > 20 ? ", …" : "");
      log(`${split}: ${count} pairs${left && `, ${dropped.length} dropped (${left})`}`);
    }
  },
});
