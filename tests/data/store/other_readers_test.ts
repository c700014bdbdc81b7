import assert from "node:assert/strict";
import { writeTokens } from "../../../data/store/write_tokens.ts";
import type { TokenizedRow } from "../../../data/tokenize.ts";

/** Runs a program with a text as its input; null where there is no such program. */
async function run(program: string, args: string[], input = ""): Promise<string | null> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

const hasShell = await run("duckdb", ["--version"]).catch(() => null) !== null;
const hasArrow = await run("python3", ["-c", "import pyarrow"]).catch(() => null) !== null;

const ids = (length: number, first: number) => Int32Array.from({ length }, (_, i) => first + i);

function row(i: number): TokenizedRow {
  return {
    id: `file.jsonl:${i + 1}`,
    prompt: ids(i % 7, i),
    chosen: ids(1 + i % 5, 40_000 + i),
    rejected: i % 3 === 0 ? null : ids(i % 4, 20 * i),
    before: { prompt: 9, chosen: 9, rejected: null },
    truncation: i % 2 === 0 ? "none" : "prompt",
    boundaryMismatch: false,
    identicalText: false,
    chosenEmpty: false,
    rejectedEmpty: false,
    chosenEnded: true,
    rejectedEnded: true,
    specialInText: false,
    promptDigest: "",
    promptDigestNormalised: "",
  };
}

/** 2,500 rows, which are two batches. */
const rows = Array.from({ length: 2500 }, (_, i) => row(i));

async function withTokens(
  use: (path: string) => Promise<void>,
  vocabSize = 1 << 16,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const facts = { maxLength: 8, maxPromptLength: 4, vocabSize, eosId: 9, padId: null };
  await writeTokens({
    folder,
    facts: { ...facts, tokenizerDigest: "t", templateDigest: null },
    rows,
  });
  try {
    await use(`${folder}/tokens.duckdb`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const shell = (path: string, sql: string) => run("duckdb", ["-readonly", "-json", path, "-c", sql]);

Deno.test({
  name: "DuckDB's shell reads the columns of cached tokens (needs pip install duckdb-cli)",
  ignore: !hasShell,
  fn: () =>
    withTokens(async (path) => {
      const found = await shell(
        path,
        "SELECT truncation, count(*) AS pairs, sum(chosen_tokens)::INT AS tokens FROM pairs " +
          "GROUP BY ALL ORDER BY ALL",
      );
      const expected = ["none", "prompt"].map((truncation) => {
        const of = rows.filter((row) => row.truncation === truncation);
        const tokens = of.reduce((sum, { chosen }) => sum + chosen.length, 0);
        return { truncation, pairs: of.length, tokens };
      });
      assert.deepEqual(JSON.parse(found!), expected);
    }),
});

const READ_BATCHES = `
import base64, json, sys
import pyarrow as pa
rows = []
for line in json.load(sys.stdin):
    with pa.ipc.open_stream(base64.b64decode(line["arrow"])) as reader:
        table = reader.read_all()
        assert table.num_rows == line["row_count"]
        table.validate(full=True)
        kinds = [str(field.type) for field in table.schema]
        rows += table.to_pylist()
json.dump({"kinds": kinds, "rows": rows}, sys.stdout)
`;

Deno.test({
  name: "pyarrow reads the cached batches (needs pip install duckdb-cli pyarrow)",
  ignore: !hasShell || !hasArrow,
  fn: async () => {
    await readsBatches("uint16", 1 << 16);
    await readsBatches("int32", (1 << 16) + 1);
  },
});

function readsBatches(kind: string, vocabSize: number): Promise<void> {
  return withTokens(async (path) => {
    const batches = await shell(
      path,
      "SELECT row_count, base64(arrow) AS arrow FROM batches ORDER BY first_row",
    );
    assert.equal(JSON.parse(batches!).length, 2);
    const found = JSON.parse((await run("python3", ["-c", READ_BATCHES], batches!))!);
    assert.deepEqual(found.kinds, ["string", ...Array(3).fill(`list<item: ${kind} not null>`)]);
    assert.deepEqual(
      found.rows,
      rows.map(({ id, prompt, chosen, rejected }) => ({
        id,
        prompt: [...prompt],
        chosen: [...chosen],
        rejected: rejected && [...rejected],
      })),
    );
  }, vocabSize);
}
