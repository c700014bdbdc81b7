import assert from "node:assert/strict";
import { readHubSettings } from "../../../data/hub/settings.ts";
import { TOKEN } from "./open_hub.ts";

Deno.test("readHubSettings() refuses endpoints and tokens that cannot be right, and shows no token", () => {
  const settings = (environment: Record<string, string>) =>
    readHubSettings((name) => environment[name]);
  assert.equal(settings({}).endpoint, "https://huggingface.co");
  assert.equal(
    settings({ HF_ENDPOINT: "https://mirror.example/hf/" }).endpoint,
    "https://mirror.example/hf",
  );
  for (const endpoint of ["mirror.example", "ftp://x", "https://user:secret@x"]) {
    assert.throws(() => settings({ HF_ENDPOINT: endpoint }), /HF_ENDPOINT: Expected an address/);
  }
  assert.throws(
    () => settings({ HF_ENDPOINT: "http://mirror.example", HF_TOKEN: TOKEN }),
    /in the clear/,
  );
  assert.throws(() => settings({ HF_TOKEN: `${TOKEN}\u0007x` }), (error: Error) => {
    assert.match(error.message, /^HF_TOKEN: Expected a token/);
    assert.ok(!error.message.includes(TOKEN));
    return true;
  });
});
