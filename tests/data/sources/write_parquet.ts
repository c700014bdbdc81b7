import { DuckDBInstance } from "@duckdb/node-api";

/** Writes what a query gives as a Parquet file, its pages not compressed. */
export async function writeParquet(path: string, select: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  try {
    const connection = await instance.connect();
    try {
      const options = "FORMAT parquet, COMPRESSION uncompressed";
      await connection.run(`COPY (${select}) TO '${path.replaceAll("'", "''")}' (${options})`);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}
