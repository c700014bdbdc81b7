import { z } from "../core/zod.ts";
import { formatProblems, type Problem } from "../core/problem.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage, type StageContext } from "../pipeline/stage.ts";
import { downloadHosts, hubResources, hubSettings, revision } from "./hub_params.ts";

const limitOf = (split: string) =>
  z.int().min(1).optional().describe(
    `Rows to take from the start of the ${split} split; all if absent`,
  );

const splitName = (name: string) =>
  z.string().min(1).default(name).describe("What the data set calls this split");

const hub = z.strictObject({
  dataset: z.string().min(1).describe(
    "Repository on the hub, such as HuggingFaceH4/ultrafeedback_binarized",
  ),
  revision,
  split: z.strictObject({ train: splitName("train_prefs"), test: splitName("test_prefs") })
    .prefault({}),
  downloadHosts,
});

const params = z.strictObject({
  path: pathParam({
    kind: "folder",
    describe: "Folder with train_prefs and test_prefs as .jsonl, .jsonl.gz or .parquet, rows " +
      "{prompt, chosen, rejected} of texts or messages, such as UltraFeedback binarized",
  }).optional(),
  hub: hub.optional().describe("A data set of the Hugging Face hub, instead of path"),
  limit: limitOf("train"),
  testLimit: limitOf("test"),
  dropIdentical: z.boolean().default(false).describe("Leave out pairs with two equal replies"),
  dropMalformed: z.boolean().default(false).describe(
    "Leave out rows that are no pairs, and tell which, instead of refusing the file",
  ),
  dropEmpty: z.boolean().default(false).describe("Leave out pairs with an empty reply"),
  license: z.string().min(1).optional().describe("Licence of the rows, for the data card: mit"),
}).refine(({ path, hub }) => path !== undefined || hub !== undefined, {
  path: ["path"],
  error: "a folder of pairs, or hub: {dataset, revision}",
}).refine(({ path, hub }) => path === undefined || hub === undefined, {
  path: ["hub"],
  error: "either path or hub, not both",
});

type Params = z.infer<typeof params>;

export default defineStage<Params>({
  name: "read-pairs",
  describe: "Read preference pairs from files or the hub and check every row",
  params,
  inputs: {},
  outputs: { train: { type: "pairs" }, test: { type: "pairs" } },
  resources: ({ hub }) => ({
    cores: 1,
    memory: 500,
    native: ["duckdb"],
    ...(hub === undefined ? {} : hubResources(hub)),
  }),
  estimateSeconds: ({ hub }) => hub === undefined ? 2 : 60,
  module: import.meta.url,
  async run(context) {
    const { params, output, log, warn } = context;
    const { dropRows } = await import("../data/sources/drop_rows.ts");
    const { readPreferenceFiles } = await import("../data/sources/preference_rows.ts");
    const { writePairs } = await import("../data/pairs_file.ts");
    const files = await findFiles(context);
    for (
      const [split, limit] of [["train", params.limit], ["test", params.testLimit]] as const
    ) {
      const dropped: string[] = [];
      const bad: Problem[] = [];
      const onBadRow = params.dropMalformed ? (row: Problem) => bad.push(row) : undefined;
      const rows = dropRows(readPreferenceFiles(files[split], { limit, onBadRow }), {
        dropIdentical: params.dropIdentical,
        dropEmpty: params.dropEmpty,
        onDrop: (id) => dropped.push(id),
      });
      const count = await writePairs(output(split), rows);
      const left = dropped.slice(0, 20).join(", ") + (dropped.length > 20 ? ", …" : "");
      if (bad.length > 0) warn(formatProblems(bad.slice(0, 20), leftOut(split, bad.length)));
      log(`${split}: ${count} pairs${left && `, ${dropped.length} dropped (${left})`}`);
    }
  },
});

/** `train: 1 row is no pair and left out`, and of how many the first 20 follow. */
function leftOut(split: string, count: number): string {
  const what = count === 1 ? "1 row is no pair and" : `${count} rows are no pairs and`;
  return `${split}: ${what} left out${count > 20 ? ", the first 20" : ""}`;
}

async function findFiles({ params, cache, signal, progress, log, warn }: StageContext<Params>) {
  const { path, hub } = params;
  if (hub === undefined) {
    const { findPreferenceFiles } = await import("../data/sources/preference_folder.ts");
    return await findPreferenceFiles(path as string);
  }
  const { fetchDataset } = await import("../data/hub/fetch_repository.ts");
  const { openAccess } = await import("../data/hub/hub_fetch.ts");
  const fetched = await fetchDataset(hub, {
    cache: cache("hub"),
    access: openAccess(hubSettings(), { signal, moreHosts: hub.downloadHosts }),
    onProgress: (done, total) =>
      progress({ done: Math.floor(done / 1e6), total: Math.ceil(total / 1e6), unit: "MB" }),
    warn,
  });
  log(`${hub.dataset}@${fetched.commit}`);
  return fetched;
}
