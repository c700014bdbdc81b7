import assert from "node:assert/strict";
import { join } from "node:path";
import { listFiles } from "../../pipeline/store/seal_folder.ts";
import { ballast, ballastJson, type Called, PROJECT } from "./ballast.ts";
import { openSignedBucket, SIGNED_KEYS } from "../pipeline/transfer/signed_bucket.ts";
import { copyProject } from "./project_copy.ts";
import { ScratchFolder } from "./scratch_folder.ts";
import { SMALL_TINY } from "./small_tiny.ts";

interface ReplayDocument {
  readonly equal: boolean;
  readonly outcomes: readonly { instance: string; before: string; after: string | null }[];
  readonly differs: readonly { field: string }[];
}

interface Transfer {
  readonly keys: readonly string[];
  readonly objects: number;
}

async function unpacked(bundle: string, folder: string): Promise<string[]> {
  await Deno.mkdir(folder);
  await new Deno.Command("tar", { args: ["xzf", bundle, "-C", folder] }).output();
  return listFiles(folder);
}

async function replayJson(args: readonly string[], project: string): Promise<ReplayDocument> {
  const { stdout } = await ballast(["replay", ...args, "--json"], { project });
  return JSON.parse(stdout);
}

Deno.test("a bundle of tiny gives the same tables in another copy of the project", async (t) => {
  await using scratch = await ScratchFolder.make();
  const [store, path, copy] = ["store", "a.tar.gz", "copy"].map((name) => join(scratch.path, name));
  const environment = { JUDGE_API_KEY: "sk-0123456789abcdef" };
  let made: Called;

  await t.step("bundle writes one archive, twice the same bytes", async () => {
    made = await ballast(["reproduce", ...SMALL_TINY, "--store", store]);
    assert.equal(made.code, 0, made.stderr);
    const again = join(scratch.path, "again.tar.gz");
    for (const out of [path, again]) {
      const { code, stderr } = await ballast(["bundle", "--store", store, "--out", out], {
        environment,
      });
      assert.equal(code, 0, stderr);
    }
    assert.deepEqual(await Deno.readFile(path), await Deno.readFile(again));
  });

  await t.step(
    "it holds recipe, lock, keys and tables, and neither weights nor places",
    async () => {
      const folder = join(scratch.path, "unpacked");
      const files = await unpacked(path, folder);
      const heads = ["bundle.json", "deno.lock", "recipe/resolved.yaml", "recipe/tiny.yaml"];
      for (const file of heads) assert(files.includes(file), file);
      assert.equal(files.filter((file) => file.startsWith("keys/")).length, 34);
      assert(files.some((file) => file.endsWith("/table.txt")));
      assert(!files.some((file) => /\.(safetensors|duckdb)$/.test(file)));
      for (const file of files) {
        const text = await Deno.readTextFile(join(folder, file));
        for (const secret of [scratch.path, PROJECT, "sk-0123456789abcdef"]) {
          assert(!text.includes(secret), `${file} holds ${secret}`);
        }
      }
      const recipe = await Deno.readTextFile(join(PROJECT, "recipes", "tiny.yaml"));
      assert.equal(await Deno.readTextFile(join(folder, "recipe", "tiny.yaml")), recipe);
    },
  );

  await t.step("replay elsewhere prints the same table", async () => {
    await Deno.mkdir(copy);
    await copyProject(copy);
    const { code, stdout, stderr } = await ballast(["replay", path], { project: copy });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, made.stdout);
    assert.match(stderr, /All 3 are equal to the bundle's, byte for byte\./);
  });

  await t.step("replay names edited code, and the bytes that it changed", async () => {
    const edit = async (file: string, from: string, to: string) => {
      const text = await Deno.readTextFile(join(copy, file));
      assert(text.includes(from), `${file} has ${from}`);
      await Deno.writeTextFile(join(copy, file), text.replace(from, to));
    };
    await edit("train/losses/rpo.ts", "export function", "const _edited = 1;\nexport function");
    const untouched = await replayJson([path], copy);
    assert(untouched.equal, "a training that is not made again");
    assert.deepEqual(untouched.differs.map(({ field }) => field), ["code train/losses/rpo.ts"]);
    await edit("reports/csv.ts", '","', '";"');
    const { code, stderr } = await ballast(["replay", path], { project: copy });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /here is another: code: reports\/csv\.ts/);
    assert.match(stderr, /report \(report\) differs: .*\n +table\.csv: [0-9a-f]+ → [0-9a-f]+/);
    assert.match(stderr, /Not all are equal to the bundle's\./);
    assert.doesNotMatch(stderr, /compare \(results\) differs/);
  });

  await t.step("bundle says what there is to bundle", async () => {
    const { code, stderr } = await ballast(["bundle", "--recipe", "other", "--store", store]);
    assert.equal(code, 1);
    assert.match(stderr, /no run of other that is done; there are runs of tiny/);
    const { bundle } = await ballastJson<{ bundle: string }>(
      ["bundle", "1", "--with-weights", "--store", store, "--out", join(scratch.path, "w.tar.gz")],
    );
    const files = await unpacked(bundle, join(scratch.path, "weights"));
    assert(files.some((file) => file.endsWith(".safetensors")));
    assert.equal((await ballast(["replay", bundle])).code, 0);
  });

  await t.step("reproduce --from-cache trains nothing, and prints the same table", async () => {
    const cache = join(scratch.path, "cache");
    const secrets = { AWS_SECRET_ACCESS_KEY: "aws-0123456789", ...environment };
    const push = ["push", cache, "--store", store];
    const sent = await ballastJson<Transfer>(push, { environment: secrets });
    assert.equal(sent.keys.length, 34);
    assert.equal((await ballastJson<Transfer>(push)).objects, 0);
    for (const file of listFiles(cache)) {
      const text = await Deno.readTextFile(join(cache, file));
      for (const secret of [...Object.values(secrets), scratch.path, PROJECT]) {
        assert(!text.includes(secret), `${file} holds ${secret}`);
      }
    }
    const asked: string[] = [];
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (r) => {
      const { pathname } = new URL(r.url);
      asked.push(pathname);
      const missing = () => new Response("none", { status: 404 });
      return Deno.readFile(join(cache, pathname)).then((bytes) => new Response(bytes), missing);
    });
    const { port } = server.addr as Deno.NetAddr;
    const theirs = join(scratch.path, "theirs");
    const from = [...SMALL_TINY, "--store", theirs, "--from-cache", `http://127.0.0.1:${port}`];
    const { code, stdout, stderr } = await ballast(["reproduce", ...from]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, made.stdout);
    assert.match(stderr, /From the cache: 34 results/);
    assert.match(stderr, /nothing to do, 34 stages cached/);
    const count = asked.length;
    assert.equal((await ballast(["reproduce", ...from])).code, 0);
    assert.equal(asked.length, count, "what is there is not asked for");
    assert.equal((await ballast(["verify", "--deep", "--store", theirs])).code, 0);
  });

  await t.step(
    "push, pull and reproduce --from-cache through a bucket, with its secret alone",
    async () => {
      await using bucket = await openSignedBucket(join(scratch.path, "bucket"));
      const settings = {
        AWS_ENDPOINT_URL: bucket.endpoint,
        AWS_ACCESS_KEY_ID: SIGNED_KEYS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: SIGNED_KEYS.secretAccessKey,
      };
      const wrong = { environment: { ...settings, AWS_SECRET_ACCESS_KEY: "another-0123456789" } };
      const own = { environment: settings };
      const push = ["push", "s3://lab/a/b", "--store", store];
      const refused = await ballast(push, wrong);
      assert.equal(refused.code, 1);
      assert.match(
        refused.stderr,
        /s3:\/\/lab\/a\/b\/\S+ cannot be reached: SignatureDoesNotMatch, 403/,
      );
      assert.doesNotMatch(refused.stderr + refused.stdout, /another-0123456789/);
      assert.equal((await ballastJson<Transfer>(push, own)).keys.length, 34);
      const pulled = join(scratch.path, "pulled");
      const pull = ["pull", "s3://lab/a/b", "--store", pulled];
      assert.equal((await ballast(pull, wrong)).code, 1);
      assert.equal((await ballastJson<Transfer>(pull, own)).keys.length, 34);
      const swept = await ballastJson<{ garbage: unknown[]; keptKeys: number }>(
        ["gc", "--delete", "--store", pulled],
      );
      assert.deepEqual([swept.garbage, swept.keptKeys], [[], 34], "gc keeps what was pulled");
      const theirs = join(scratch.path, "from-bucket");
      const from = [...SMALL_TINY, "--store", theirs, "--from-cache", "s3://lab/a/b"];
      const { code, stdout, stderr } = await ballast(["reproduce", ...from], own);
      assert.equal(code, 0, stderr);
      assert.equal(stdout, made.stdout);
      assert.match(stderr, /From the cache: 34 results/);
      assert.match(stderr, /nothing to do, 34 stages cached/);
    },
  );

  await t.step(
    "a cache with a changed byte is refused, and nothing is trained in its stead",
    async () => {
      const cache = join(scratch.path, "cache");
      const [weights] = listFiles(cache).filter((file) => file.endsWith(".safetensors"));
      const bytes = await Deno.readFile(join(cache, weights));
      bytes[bytes.length - 1] ^= 1;
      await Deno.writeFile(join(cache, weights), bytes);
      const theirs = join(scratch.path, "wronged");
      const { code, stderr } = await ballast(
        ["reproduce", ...SMALL_TINY, "--store", theirs, "--from-cache", cache],
      );
      assert.equal(code, 1);
      assert.match(stderr, /safetensors has other bytes than its list says/);
      assert.doesNotMatch(stderr, /started/);
      const pulled = await ballast(["pull", cache, "--store", theirs]);
      assert.equal(pulled.code, 1);
      assert.equal((await ballast(["verify", "--deep", "--store", theirs])).code, 0);
    },
  );
});
