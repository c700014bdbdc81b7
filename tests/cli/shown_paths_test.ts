import assert from "node:assert/strict";
import { withoutLocalPaths } from "../../cli/shown_paths.ts";

const shown = withoutLocalPaths({
  project: "/home/me/ballast",
  store: "/home/me/ballast/.ballast",
  named: ["/data sets/of mine/pairs", "/srv/rpo"],
});

Deno.test("withoutLocalPaths() keeps places in project and store, and of others the name", () => {
  const cases: [string, string][] = [
    ["/home/me/ballast/recipes/tiny.yaml", "recipes/tiny.yaml"],
    ["/home/me/ballast", "."],
    ["/home/me/ballast/.ballast/scratch/ab", ".ballast/scratch/ab"],
    ["/home/me/ballast-other/x", "x"],
    ["--set 'data.path=/data sets/of mine/pairs'", "--set 'data.path=pairs'"],
    ["--set data.path=/srv/rpo --store /var/tmp/st", "--set data.path=rpo --store st"],
    ["files: [/a/b/one.jsonl, /a/b/two.jsonl]", "files: [one.jsonl, two.jsonl]"],
    ["path: /a/b/c/", "path: c"],
    ["see file:///a/b/c.txt", "see c.txt"],
    [`model: "C:\\Users\\me\\model.gguf"`, `model: "model.gguf"`],
  ];
  for (const [text, expected] of cases) assert.equal(shown(text), expected);
});

Deno.test("withoutLocalPaths() leaves what is no absolute path", () => {
  const texts = [
    "../shared/data/rpo_paper",
    "org/name@main, and/or, 3/4",
    "https://example.test/v1/chat",
    "train/rpo-sum@seed=1",
    "/ and /one",
    "kl against n/a",
  ];
  for (const text of texts) assert.equal(shown(text), text);
});
