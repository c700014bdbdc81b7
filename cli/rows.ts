/** The rows of a file of JSON lines that a stage wrote. */
export async function readRows<Row>(path: string): Promise<Row[]> {
  const text = await Deno.readTextFile(path);
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Row);
}
