import assert from "node:assert/strict";
import { InputError } from "../../../core/problem.ts";
import readPairs from "../../../stages/read_pairs.ts";
import { GOOD_ROW, type MalformedFile } from "./malformed_file.ts";
import { MALFORMED_FILES } from "./malformed_files.ts";

/** Runs read-pairs over a folder with one bad split, and gives what it says and what it left. */
async function readBad(
  { file, content }: MalformedFile,
): Promise<{ message: string; left: string[] }> {
  const source = await Deno.makeTempDir();
  const output = await Deno.makeTempDir();
  try {
    await content(`${source}/${file}`);
    await Deno.writeTextFile(`${source}/test_prefs.jsonl`, GOOD_ROW);
    for (const port of ["train", "test"]) await Deno.mkdir(`${output}/${port}`);
    const error = await readPairs.run({
      params: readPairs.params.parse({ path: source }),
      instanceId: "data",
      run: "0001",
      input: () => assert.fail(),
      inputs: () => [],
      output: (port) => `${output}/${port}`,
      scratch: output,
      cache: () => assert.fail(),
      signal: new AbortController().signal,
      progress: () => {},
      measure: () => {},
      log: () => {},
      warn: () => {},
    }).then(() => assert.fail("Expected it to be refused."), (error) => error);
    if (!(error instanceof InputError)) throw error;
    const left = [...Deno.readDirSync(source)].map(({ name }) => name).sort();
    return { message: error.message.replaceAll(`${source}/`, "").replaceAll(source, ""), left };
  } finally {
    await Deno.remove(source, { recursive: true });
    await Deno.remove(output, { recursive: true });
  }
}

Deno.test("the table of malformed files has at least forty cases, each another", () => {
  assert.ok(MALFORMED_FILES.length >= 40, String(MALFORMED_FILES.length));
  assert.equal(new Set(MALFORMED_FILES.map(({ name }) => name)).size, MALFORMED_FILES.length);
});

for (const one of MALFORMED_FILES) {
  Deno.test(`read-pairs refuses ${one.name}, naming file and row`, async () => {
    const { message, left } = await readBad(one);
    assert.match(message, one.expected);
    assert.deepEqual(
      left,
      [one.file, "test_prefs.jsonl"].sort(),
      "nothing is left beside the source",
    );
  });
}
