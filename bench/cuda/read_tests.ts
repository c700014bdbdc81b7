/** Writes what tests printed to a file; gives counts, and the names of those that failed. */
export async function readTests(text: string, file: string): Promise<unknown> {
  await Deno.writeTextFile(file, text);
  const outcome = (word: string) =>
    text.split("\n").filter((line) => new RegExp(`\\.\\.\\. ${word} \\(`).test(line));
  return {
    passed: outcome("ok").length,
    ignored: outcome("ignored").length,
    failed: outcome("FAILED").map((line) => line.replace(/ \.\.\. FAILED.*/, "")),
  };
}
