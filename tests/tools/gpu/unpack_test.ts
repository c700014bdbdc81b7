import assert from "node:assert/strict";
import { join } from "node:path";
import { PROJECT } from "../../end_to_end/ballast.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { hasModules, runPython } from "../../run_python.ts";

const PYTHON = "python3";
const UNPACK = join(PROJECT, "tools", "gpu", "unpack.py");
const ignore = !await hasModules(PYTHON, "lzma");
const unless = ignore ? ` (ignored: no ${PYTHON} with lzma)` : "";

/** What Python 3.8 lacks, taken from whichever Python there is. */
const OLDER = `
import hashlib, tarfile
hashlib.__dict__.pop("file_digest", None)
tarfile.__dict__.pop("tar_filter", None)
def without_filter(function):
    def called(*given, **named):
        if "filter" in named: raise TypeError("unexpected keyword argument 'filter'")
        return function(*given, **named)
    return called
tarfile.TarFile.extract = without_filter(tarfile.TarFile.extract)
tarfile.TarFile.extractall = without_filter(tarfile.TarFile.extractall)
`;

type Member = { readonly name: string; readonly text?: string; readonly link?: string } & {
  readonly hard?: string;
};
type File =
  & { readonly path: string; readonly sha256?: string }
  & (
    { readonly text: string } | { readonly members: readonly Member[] }
  );

/** Runs `unpack.py` as if Python were older, too, where asked to. */
async function unpack(args: readonly string[], { older }: { older?: string } = {}) {
  const { code, stdout, stderr } = await new Deno.Command(PYTHON, {
    args: [UNPACK, ...args],
    env: older === undefined ? {} : { PYTHONPATH: older },
  }).output();
  const [printed, noted] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(printed, "");
  return { code, noted };
}

async function withParts(
  files: readonly File[],
  test: (places: { parts: string; folder: string; scratch: string }) => Promise<void>,
): Promise<void> {
  await using scratch = await ScratchFolder.make();
  const parts = join(scratch.path, "parts");
  await Deno.mkdir(parts);
  const packing = new URL("./pack_parts.py", import.meta.url);
  await runPython(PYTHON, packing, { folder: parts, files });
  await test({ parts, folder: join(scratch.path, "to", "folder"), scratch: scratch.path });
}

const WHOLE: readonly File[] = [
  { path: "deno", text: "more than seven bytes" },
  {
    path: "app.tar",
    members: [
      { name: "app/a/file", text: "content" },
      { name: "app/b/link", link: "../a/file" },
      { name: "app/hard", hard: "app/a/file" },
    ],
  },
];

for (const [python, older] of [["this Python", false], ["Python 3.8", true]] as const) {
  Deno.test({
    name: `unpack.py joins pieces and extracts archives with what ${python} has${unless}`,
    ignore,
    fn: () =>
      withParts(WHOLE, async ({ parts, folder, scratch }) => {
        await Deno.writeTextFile(join(scratch, "sitecustomize.py"), OLDER);
        const done = await unpack([parts, folder], older ? { older: scratch } : {});
        assert.deepEqual(done, { code: 0, noted: "" });
        const text = (path: string) => Deno.readTextFile(join(folder, path));
        assert.equal(await text("deno"), "more than seven bytes");
        for (const path of ["a/file", "b/link", "hard"]) {
          assert.equal(await text(`app/${path}`), "content");
        }
        assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
          "app",
          "deno",
        ]);
      }),
  });
}

Deno.test({
  name: `unpack.py refuses a manifest whose paths leave the folder, and writes nothing${unless}`,
  ignore,
  fn: () =>
    withParts(
      [
        { path: "../escaped.txt", text: "a" },
        { path: "/tmp/ballast-escaped.txt", text: "b" },
        { path: "good/../../folder2/escaped.txt", text: "c" },
        { path: "good", text: "d" },
      ],
      async ({ parts, folder, scratch }) => {
        const { code, noted } = await unpack([parts, folder]);
        assert.equal(code, 1);
        assert.equal(
          noted,
          ["../escaped.txt", "/tmp/ballast-escaped.txt", "good/../../folder2/escaped.txt"]
            .map((path) => `'${path}': expected a path inside ${folder}.\n`).join(""),
        );
        assert.deepEqual([...Deno.readDirSync(scratch)].map(({ name }) => name), ["parts"]);
      },
    ),
});

const HOSTILE: Readonly<Record<string, readonly Member[]>> = {
  "of a path above": [{ name: "../escaped.txt", text: "a" }],
  "of an absolute path": [{ name: "/tmp/ballast-escaped.txt", text: "a" }],
  "through a link": [{ name: "app/up", link: "../.." }, { name: "app/up/escaped.txt", text: "a" }],
  "through two links, each of which looks harmless": [
    { name: "x/y/z/in", link: "../../../app" },
    { name: "app/out", link: "../x/y/z/in/../.." },
    { name: "app/out/escaped.txt", text: "a" },
  ],
  "that is a hard link to one": [{ name: "app/escaped.txt", hard: "../secret.txt" }],
};

for (const [what, members] of Object.entries(HOSTILE)) {
  Deno.test({
    name: `unpack.py extracts no member ${what}${unless}`,
    ignore,
    fn: () =>
      withParts([{ path: "app.tar", members }], async ({ parts, folder, scratch }) => {
        await Deno.writeTextFile(join(scratch, "sitecustomize.py"), OLDER);
        await Deno.mkdir(join(scratch, "to"));
        await Deno.writeTextFile(join(scratch, "to", "secret.txt"), "secret");
        const { code, noted } = await unpack([parts, folder], { older: scratch });
        assert.equal(code, 1);
        assert.match(noted, /app\.tar: expected members inside .*\/folder but found '[^']+'\.\n$/);
        assert.doesNotMatch(noted, /Traceback/);
        const beside = [...Deno.readDirSync(join(scratch, "to"))].map(({ name }) => name).sort();
        assert.deepEqual(beside, ["folder", "secret.txt"]);
      }),
  });
}

Deno.test({
  name: `unpack.py names a digest, a piece, a manifest or arguments that are not there${unless}`,
  ignore,
  fn: () =>
    withParts([{ path: "a", text: "a", sha256: "00" }], async ({ parts, folder, scratch }) => {
      const refusal = async (...args: string[]) => {
        const { code, noted } = await unpack(args);
        assert.equal(code, 1);
        return noted;
      };
      assert.match(await refusal(parts, folder), /\/a: expected SHA-256 00 but found ca978112/);
      await Deno.remove(join(parts, "0.0.xz"));
      assert.equal(await refusal(parts, folder), `'a': the piece 0.0.xz is not in ${parts}.\n`);
      assert.match(await refusal(scratch, folder), /manifest\.json: expected the manifest, which/);
      for (const args of [[], [parts], [parts, folder, "more"]]) {
        assert.match(await refusal(...args), /^Puts the pieces .*\n\n {4}python3 unpack\.py PARTS/);
      }
    }),
});
