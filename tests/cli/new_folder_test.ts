import assert from "node:assert/strict";
import { join } from "node:path";
import { moveInto, withNewFolder } from "../../cli/new_folder.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** A folder with a file in it, as a command makes one. */
async function make(path: string): Promise<string> {
  await Deno.mkdir(path, { recursive: true });
  await Deno.writeTextFile(join(path, "model"), "made");
  return path;
}

Deno.test("moveInto() fills a place where there is nothing, or an empty folder", async () => {
  await using scratch = await ScratchFolder.make();
  const out = join(scratch.path, "out");
  await moveInto(await make(join(scratch.path, "a")), out);
  await Deno.remove(join(out, "model"));
  await moveInto(await make(join(scratch.path, "b")), out);
  assert.deepEqual([names(scratch.path), names(out)], [["out"], ["model"]]);
});

Deno.test("moveInto() leaves alone what has come in the meantime, and keeps what was made", async () => {
  await using scratch = await ScratchFolder.make();
  const made = await make(join(scratch.path, "made"));
  const folder = join(scratch.path, "folder");
  await Deno.mkdir(folder);
  await Deno.writeTextFile(join(folder, "log.ndjson"), "a person's");
  const file = join(scratch.path, "file");
  await Deno.writeTextFile(file, "a person's, too");
  for (const out of [folder, file]) {
    await assert.rejects(moveInto(made, out), (error: Error) => {
      assert.equal(error.name, "ExpectedError");
      assert.ok(error.message.startsWith(`Expected ${out} to be new or empty still but found `));
      assert.ok(error.message.endsWith(`what was made lies in ${made}.`));
      return true;
    });
  }
  assert.equal(await Deno.readTextFile(join(folder, "log.ndjson")), "a person's");
  assert.equal(await Deno.readTextFile(file), "a person's, too");
  assert.deepEqual(names(made), ["model"]);
});

Deno.test("withNewFolder() refuses files of other options in the folder before anything is made", async () => {
  await using scratch = await ScratchFolder.make();
  const out = join(scratch.path, "out");
  await Deno.mkdir(out);
  await Deno.symlink(out, join(scratch.path, "link"));
  const call = (file: string) =>
    withNewFolder(
      { out, verb: "train", elsewhere: { "--log": join(scratch.path, file) } },
      () => Promise.resolve(7),
    );
  for (const file of ["out/log", "out", "out/deep/../log", ".out.training/log", "link/log"]) {
    await assert.rejects(call(file), (error: Error) => {
      assert.equal(error.name, "InputError");
      assert.match(error.message, /^--log: Expected a file outside .*out, which --out makes, but/);
      return true;
    });
  }
  assert.deepEqual(names(scratch.path), ["link", "out"]);
  for (const file of ["log", "out.log", "outer/log", "..log"]) assert.equal(await call(file), 7);
});

Deno.test("withNewFolder() follows a link to an empty folder", async () => {
  await using scratch = await ScratchFolder.make();
  const [link, out] = ["link", "deep/out"].map((name) => join(scratch.path, name));
  await Deno.mkdir(out, { recursive: true });
  await Deno.symlink(out, link);
  await withNewFolder({ out: link, verb: "export" }, async ({ folder, workFolder }) => {
    assert.equal(folder, await Deno.realPath(out));
    await moveInto(await make(join(workFolder, "model")), folder);
    return 0;
  });
  assert.deepEqual(names(link), ["model"]);
});

Deno.test("withNewFolder() refuses a link to nothing before anything is made", async () => {
  await using scratch = await ScratchFolder.make();
  const link = join(scratch.path, "link");
  await Deno.symlink(join(scratch.path, "gone"), link);
  await assert.rejects(
    withNewFolder({ out: link, verb: "train" }, () => Promise.reject(new Error("begun"))),
    /^InputError: --out: Expected a new or empty folder but found a link to nothing at /,
  );
});

Deno.test("withNewFolder() lets one process in at a time, however many come and go", async () => {
  await using scratch = await ScratchFolder.make();
  const script = new URL("contend_for_folder.ts", import.meta.url).pathname;
  const contend = async () => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--cached-only", "--allow-read", "--allow-env=INIT_CWD"],
        ...["--allow-sys=hostname", `--allow-write=${scratch.path}`, script, scratch.path, "400"],
      ],
    }).output();
    const text = new TextDecoder().decode(stdout);
    return text === "" ? assert.fail(new TextDecoder().decode(stderr)) : JSON.parse(text);
  };
  const found = await Promise.all(Array.from({ length: 4 }, contend));
  assert.equal(found.reduce((sum, { met }) => sum + met, 0), 0, JSON.stringify(found));
  assert.ok(found.every(({ entered }) => entered > 0), JSON.stringify(found));
  assert.deepEqual(names(scratch.path), []);
});
