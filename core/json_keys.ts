/**
 * Keys that stand twice in one object of a JSON document, which `JSON.parse` lets pass: it takes the
 * last. Keys are compared as they read, so `"\u0061"` is `"a"` again.
 *
 * @param json text that `JSON.parse` accepts
 * @returns each with the keys around it: `weight_map.lm_head.weight`
 */
export function repeatedKeys(json: string): string[] {
  const repeated: string[] = [];
  const open: { keys: Set<string>; key: string | null }[] = []; // lists have no keys
  const signs = /["{}[\]:]/g;
  let [start, end] = [0, 0];
  for (let sign = signs.exec(json); sign !== null; sign = signs.exec(json)) {
    if (sign[0] === '"') {
      start = sign.index;
      end = signs.lastIndex = endOfString(json, start);
    } else if (sign[0] === "{" || sign[0] === "[") open.push({ keys: new Set(), key: null });
    else if (sign[0] !== ":") open.pop();
    else {
      const object = open.at(-1)!;
      object.key = JSON.parse(json.slice(start, end)) as string;
      if (object.keys.has(object.key)) {
        repeated.push(open.flatMap(({ key }) => key === null ? [] : [key]).join("."));
      }
      object.keys.add(object.key);
    }
  }
  return repeated;
}

/** Where the text goes on after a string; a pattern would run out of stack within a long one. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1);; end = json.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (json[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
}
