import assert from "node:assert/strict";
import { normPiece, updatePiece } from "../../../train/optim/update_pieces.ts";

Deno.test("pieces of an update are smaller on a processor, with noise and with moments in host memory", () => {
  const division = { onHost: false, isNoisy: false, offloadsMoments: false };
  const placed = updatePiece(division);
  const offloaded = updatePiece({ ...division, offloadsMoments: true });
  const noisy = updatePiece({ ...division, isNoisy: true });
  const onHost = updatePiece({ ...division, onHost: true });
  assert.deepEqual([placed, offloaded, noisy, onHost], [2 ** 25, 2 ** 23, 2 ** 22, 2 ** 18]);
});

Deno.test("squares are added up in the same pieces wherever moments are", () => {
  for (const onHost of [false, true]) {
    for (const isNoisy of [false, true]) {
      const placed = { onHost, isNoisy, offloadsMoments: false };
      assert.equal(normPiece(placed), updatePiece(placed));
      assert.equal(normPiece({ ...placed, offloadsMoments: true }), updatePiece(placed));
    }
  }
});
