/** What lies at a path, links followed; null for nothing that can be reached. */
export function lookUp(path: string): "file" | "folder" | null {
  try {
    return Deno.statSync(path).isDirectory ? "folder" : "file";
  } catch {
    return null;
  }
}
