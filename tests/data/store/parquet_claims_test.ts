import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { schemaLevels } from "../../../data/store/parquet_schema.ts";
import { parquetBytes, textElement } from "../sources/parquet_bytes.ts";
import { writeParquet } from "../sources/write_parquet.ts";
import { CLAIMS } from "./parquet_claims.ts";

interface Read {
  readonly said: readonly (string | null)[];
  readonly peakBytes: number;
}

/** What a process of its own says of files, all of which are called `claims.parquet`. */
async function read(contents: readonly Uint8Array[]): Promise<Read> {
  const folder = await Deno.makeTempDir();
  try {
    const paths: string[] = [];
    for (const [i, content] of contents.entries()) {
      await Deno.mkdir(`${folder}/${i}`);
      paths.push(`${folder}/${i}/claims.parquet`);
      await Deno.writeFile(paths[i], content);
    }
    const child = fileURLToPath(new URL("parquet_claims_child.ts", import.meta.url));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", "-A", child, ...paths],
    }).output();
    const decoder = new TextDecoder();
    assert.equal(code, 0, decoder.decode(stderr));
    const { said, peakBytes } = JSON.parse(decoder.decode(stdout)) as Read;
    return { said: said.map((one) => one?.replace(/^.*\/(?=claims)/, "") ?? null), peakBytes };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readParquetRows() refuses files that claim to hold very much by name, and takes no memory for it", async () => {
  const { said, peakBytes } = await read(Object.values(CLAIMS).map(({ content }) => content));
  for (const [i, [name, { expected }]] of Object.entries(CLAIMS).entries()) {
    assert(said[i] !== null, name);
    assert.match(said[i], expected);
  }
  assert(peakBytes < 300 << 20, `${peakBytes}`);
});

Deno.test("readParquetRows() reads a file that claims what it holds, fields that nobody knows included", async () => {
  const contents = [parquetBytes(), parquetBytes({ unknown: { nested: 10 } })];
  assert.deepEqual((await read(contents)).said, [null, null]);
});

Deno.test("schemaLevels() counts the levels of DuckDB's own files", async () => {
  const path = await Deno.makeTempFile({ suffix: ".parquet" });
  try {
    await writeParquet(path, "SELECT 'p' AS prompt, 1 AS chosen");
    assert.equal(await schemaLevels(path), 1);
    await writeParquet(path, "SELECT [{'role': 'user', 'parts': [1]}] AS chosen, 2 AS rejected");
    assert.equal(await schemaLevels(path), 6); // chosen, list, element, parts, list, element
    await Deno.writeFile(path, parquetBytes({ schema: ["a", "b", "c"].map(textElement) }));
    assert.equal(await schemaLevels(path), 1);
    await Deno.writeTextFile(path, "PAR1 and no end");
    assert.equal(await schemaLevels(path), 0);
  } finally {
    await Deno.remove(path);
  }
});
