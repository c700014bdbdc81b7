import { DuckDBInstance } from "@duckdb/node-api";

/** Writes what a query gives as a Parquet file, its pages not compressed unless told. */
export async function writeParquet(
  path: string,
  select: string,
  compression: "uncompressed" | "zstd" = "uncompressed",
): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  try {
    const connection = await instance.connect();
    try {
      const options = `FORMAT parquet, COMPRESSION ${compression}`;
      await connection.run(`COPY (${select}) TO '${path.replaceAll("'", "''")}' (${options})`);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}
