/** `a.b[0].c` as `["a", "b", 0, "c"]`. */
export function splitPath(path: string): (string | number)[] {
  if (path === "") return [];
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((part) =>
    part[1] === undefined ? part[0] : Number(part[1])
  );
}
