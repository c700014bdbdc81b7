import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256 } from "../../../../core/digest.ts";
import {
  installationFile,
  PROVIDER,
  requireDigests,
  requireInstalled,
} from "../../../../train/runtime/cuda/cuda_installation.ts";
import { ScratchFolder } from "../../../end_to_end/scratch_folder.ts";

const [SMALL, LARGE] = Object.entries(PROVIDER.files);

/** A folder that holds files of the right sizes, of zeros, and a record. */
async function installed(scratch: ScratchFolder): Promise<string> {
  for (const [name, { bytes }] of [SMALL, LARGE]) {
    await Deno.writeTextFile(join(scratch.path, name), "");
    await Deno.truncate(join(scratch.path, name), bytes);
  }
  const record = { onnxruntime: PROVIDER.onnxruntime, libraries: [] };
  await Deno.writeTextFile(installationFile(scratch.path), JSON.stringify(record));
  return scratch.path;
}

/** What is said of a file of zeros. */
function wrongDigest(folder: string, [name, file]: typeof SMALL | typeof LARGE): string {
  const found = sha256(new Uint8Array(file.bytes));
  return `${join(folder, name)}: expected SHA-256 ${file.sha256} but found ${found}.`;
}

Deno.test("a provider's small file of another content is refused at each start, its large one when asked", async () => {
  await using scratch = await ScratchFolder.make();
  const folder = await installed(scratch);
  assert.throws(() => requireInstalled(PROVIDER.onnxruntime, folder), {
    name: "ExpectedError",
    message: `${wrongDigest(folder, SMALL)} Run deno task setup:cuda.`,
  });
  await assert.rejects(requireDigests(folder), {
    name: "ExpectedError",
    message: `${wrongDigest(folder, SMALL)} ${
      wrongDigest(folder, LARGE)
    } Run deno task setup:cuda.`,
  });
});

Deno.test("a provider's files that are missing or of another size are all named", async () => {
  await using scratch = await ScratchFolder.make();
  const folder = await installed(scratch);
  const [small, large] = [SMALL, LARGE].map(([name]) => join(folder, name));
  await Deno.remove(small);
  await Deno.truncate(large, 3);
  const problems = `${small} is missing. ${large}: expected ${LARGE[1].bytes} bytes but found 3.`;
  await assert.rejects(requireDigests(folder), {
    message: `${problems} Run deno task setup:cuda.`,
  });
  assert.throws(() => requireInstalled("1.28.0", folder), {
    message:
      "Expected ONNX Runtime 1.29.0, which the CUDA provider belongs to, but found 1.28.0, " +
      `and a provider installed for 1.29.0. ${problems} Run deno task setup:cuda.`,
  });
  assert.throws(() => requireInstalled(PROVIDER.onnxruntime, join(folder, "nowhere")), {
    message: "ONNX Runtime's CUDA provider is not installed. Run deno task setup:cuda.",
  });
});
