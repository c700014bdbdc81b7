/** Sizes and times of files as a text: while it is the same, none has changed. */
export function fileStamp(paths: readonly string[]): string {
  return paths.map((path) => {
    const { size, mtime } = Deno.statSync(path);
    return `${size} ${mtime?.getTime()}`;
  }).join("\n");
}
