/** A string, or a sign that opens, closes or parts; all else says nothing of keys. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gsu;

/**
 * Keys that stand twice in one object of a JSON document, which `JSON.parse` lets pass: it takes the
 * last.
 *
 * @param json text that `JSON.parse` accepts
 * @returns each with the keys around it: `weight_map.lm_head.weight`
 */
export function repeatedKeys(json: string): string[] {
  const repeated: string[] = [];
  const open: { keys: Set<string>; key: string }[] = [];
  let text = "";
  for (const [token] of json.matchAll(TOKENS)) {
    if (token === "{" || token === "[") open.push({ keys: new Set(), key: "" });
    else if (token === "}" || token === "]") open.pop();
    else if (token !== ":") text = token;
    else {
      const object = open.at(-1)!;
      object.key = JSON.parse(text) as string;
      if (object.keys.has(object.key)) repeated.push(open.map(({ key }) => key).join("."));
      object.keys.add(object.key);
    }
  }
  return repeated;
}
