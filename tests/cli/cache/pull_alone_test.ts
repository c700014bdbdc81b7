import assert from "node:assert/strict";
import { join } from "node:path";
import { openPull } from "../../../cli/cache/open_link.ts";
import { collectGarbage } from "../../../pipeline/gc.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { withStore } from "../../pipeline/store/fixture.ts";

Deno.test("while one process pulls into a store, another that would is told so, and gc removes nothing", () =>
  withStore(async (store) => {
    const cache = join(store.path, "..", "cache");
    {
      using _share = await store.share();
      await using _first = await openPull(store, { cache });
      const other = Store.open(store.path);
      await assert.rejects(openPull(other, { cache }), /Another process pulls into .*; wait/);
      const collecting = collectGarbage(other, { now: Date.now(), patienceMs: 50 });
      await assert.rejects(collecting, /removal\.lock is held by .* a pull, /);
    }
    await using _second = await openPull(store, { cache });
  }));
