const LONGEST = 240;
// deno-lint-ignore no-control-regex -- names are refused for them
const FORBIDDEN = /[\\:\u0000-\u001f\u007f]/;

/**
 * Whether a path from elsewhere names a file below any folder that it is joined to, on every system:
 * parts between `/`, none of them empty, `.` or `..`, without backslashes, colons and control characters.
 *
 * @example
 * ```ts
 * import { isPlainPath } from "./plain_path.ts";
 * if (!isPlainPath("figures/kl.svg") || isPlainPath("../kl.svg")) throw new Error();
 * ```
 */
export function isPlainPath(path: string): boolean {
  return path.length <= LONGEST && path.isWellFormed() && !FORBIDDEN.test(path) &&
    staysInside(path);
}

/** True for a path with `/` between its parts that leads to a place below where it starts. */
export function staysInside(path: string): boolean {
  return !path.includes("\0") && !path.includes("\\") &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/** What keeps paths from being files of one folder: such as no plain path, one twice, a file below a file. */
export function pathFaults(paths: readonly string[]): string[] {
  const known = new Set<string>();
  const faults: string[] = [];
  for (const path of paths) {
    if (!isPlainPath(path)) faults.push(`${JSON.stringify(path)} does not stay in its folder`);
    else if (known.has(path)) faults.push(`${path} comes twice`);
    known.add(path);
  }
  for (const path of known) {
    const parts = path.split("/");
    const above = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("/"));
    const file = above.find((one) => known.has(one));
    if (file !== undefined) faults.push(`${path} lies below ${file}, which is a file`);
  }
  return faults;
}
