import assert from "node:assert/strict";
import { join } from "node:path";
import { openPush } from "../../../cli/cache/open_link.ts";
import { withStore } from "../../pipeline/store/fixture.ts";
import { commitResult } from "../../pipeline/transfer/small_results.ts";

Deno.test("openPush() makes a new cache folder, also levels down, and its process writes it", () =>
  withStore(async (store) => {
    const record = await commitResult(store, "train", { "a.txt": "one\n" });
    const list = { recipe: "toy", instances: [{ id: "train", key: record.key }] };
    const cache = join(store.path, "..", "new", "deep", "cache");
    for (const objects of [1, 0]) {
      await using link = await openPush(store, cache);
      assert.equal((await link.push(list)).objects, objects);
    }
    const names = [...Deno.readDirSync(cache)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["keys", "objects", "recipes"]);
    const file = join(store.path, "..", "file");
    await Deno.writeTextFile(file, "");
    await assert.rejects(openPush(store, join(file, "cache")), /a file is in the way/);
  }));
