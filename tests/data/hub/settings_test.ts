import assert from "node:assert/strict";
import { hubHosts, readHubSettings } from "../../../data/hub/settings.ts";
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

Deno.test("hubHosts() knows where huggingface.co says that downloads come from, and no other host", () => {
  const hosts = hubHosts(readHubSettings(() => undefined));
  // By cdnDomains and lfsDomains of https://huggingface.co/.well-known/meta.json.
  for (
    const host of [
      "us.aws.cdn.hf.co",
      "eu-west-3.aws.cdn.hf.co",
      "us.gcp.cdn.hf.co",
      "europe-west4.us.gcp.cdn.hf.co",
      "transfer.xethub.hf.co",
      "transfer.xethub-eu.hf.co",
      "cdn-lfs-eu-1.hf.co",
    ]
  ) assert.ok(hosts.includes(`${host}:443`), host);
  assert.ok(hosts.every((host) => /^([\w-]+\.)*(huggingface\.co|hf\.co):443$/.test(host)));
  const mirror = readHubSettings((name) =>
    name === "HF_ENDPOINT" ? "https://mirror.example" : undefined
  );
  assert.deepEqual(hubHosts(mirror, ["more.example:443"]), [
    "mirror.example:443",
    "more.example:443",
  ]);
});
