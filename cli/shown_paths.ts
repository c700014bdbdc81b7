import { relative } from "node:path";

/** Folders whose insides may be told. */
interface KnownFolders {
  readonly project: string;
  readonly store: string;
  /** Paths that parameters name, which may hold blanks. */
  readonly named: readonly string[];
}

/** What ends a path within a text. */
const BETWEEN = String.raw`\s=\[\](){},;:'"<>|` + "`";
/** An absolute path of at least two parts, POSIX's or Windows's, alone or as a `file:` URL. */
const ABSOLUTE = new RegExp(
  String.raw`(?<![^${BETWEEN}])(?:file://)?(?:/|[A-Za-z]:[\\/])` +
    String.raw`(?:[^${BETWEEN}\\/]+[\\/])+[^${BETWEEN}\\/]*`,
  "g",
);

/**
 * Makes texts of a run fit for others, who have no use for where things lie on this machine: a path in
 * the project becomes relative to it, one in the store begins with the store's name, and of any other
 * absolute one the name is left. (A bundle keeps no name either, since equal runs give equal bytes wherever
 * their data lie: `cli/bundle/local_places.ts`.)
 *
 * @example
 * ```ts
 * import { withoutLocalPaths } from "./shown_paths.ts";
 * const shown = withoutLocalPaths({ project: "/home/me/ballast", store: "/tmp/s", named: [] });
 * if (shown("--set data.path=/home/me/my_data") !== "--set data.path=my_data") throw new Error();
 * if (shown("/home/me/ballast/recipes/tiny.yaml") !== "recipes/tiny.yaml") throw new Error();
 * ```
 */
export function withoutLocalPaths(
  { project, store, named }: KnownFolders,
): (text: string) => string {
  const short = (path: string): string => {
    for (const [folder, name] of [[store, `${nameOf(store)}/`], [project, ""]]) {
      if (path === folder) return name.slice(0, -1) || ".";
      if (path.startsWith(`${folder}/`)) return name + relative(folder, path);
    }
    return nameOf(path);
  };
  const known = [...named, store].filter((path) => path.length > 1)
    .sort((a, b) => b.length - a.length);
  return (text) => {
    const replaced = known.reduce((all, path) => all.replaceAll(path, () => short(path)), text);
    return replaced.replace(ABSOLUTE, (path) => short(path.replace(/^file:\/\//, "")));
  };
}

function nameOf(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== "") ?? path;
}
