import { createHash, createHmac } from "node:crypto";
import { openBucket } from "./bucket.ts";

/** A bucket `lab` whose service checks signatures, and can be told to cut connections. */
export interface SignedBucket extends AsyncDisposable {
  readonly endpoint: string;
  /** Method and path with query of each request that was let through. */
  readonly asked: string[];
  /** Requests for which it holds are refused, whoever signed them, as by a service that is failing. */
  fails: (method: string, url: URL) => boolean;
  /** Requests for which it holds are never answered, while it is there. */
  hangs: (method: string, url: URL) => boolean;
}

/** Who may ask it. */
export const SIGNED_KEYS = {
  accessKeyId: "AKIDLAB",
  secretAccessKey: "a/secret+of=the lab",
} as const;

/** Puts a check of signatures (AWS's Signature Version 4) before a bucket that lets in anybody. */
export async function openSignedBucket(directory: string): Promise<SignedBucket> {
  const inner = await openBucket(directory);
  const ended = Promise.withResolvers<void>();
  const none = (_method: string, _url: URL) => false;
  const bucket = { asked: [] as string[], fails: none, hangs: none };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const url = new URL(request.url);
      const body = new Uint8Array(await request.arrayBuffer());
      if (!isSigned(request, url, body)) return refusal(403, "SignatureDoesNotMatch");
      if (bucket.fails(request.method, url)) return refusal(400, "RequestTimeout");
      if (bucket.hangs(request.method, url)) {
        await ended.promise;
        return refusal(400, "RequestTimeout");
      }
      bucket.asked.push(`${request.method} ${url.pathname}${url.search}`);
      const headers = new Headers(request.headers);
      for (const name of ["host", "authorization", "content-length"]) headers.delete(name);
      return await fetch(`${inner.endpoint}${url.pathname}${url.search}`, {
        method: request.method,
        headers,
        ...(body.length > 0 && { body }),
      });
    },
  );
  return Object.assign(bucket, {
    endpoint: `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}`,
    [Symbol.asyncDispose]: async () => {
      ended.resolve();
      await server.shutdown();
      await inner[Symbol.asyncDispose]();
    },
  });
}

function refusal(status: number, code: string): Response {
  const text = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
  return new Response(text, { status, headers: { "content-type": "application/xml" } });
}

/** True when a request is signed with the secret, and its body is the one that was signed. */
function isSigned({ method, headers }: Request, url: URL, body: Uint8Array): boolean {
  const given = headers.get("authorization") ?? "";
  const [, id, scope, names, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\S+), ?SignedHeaders=(\S+), ?Signature=(\w+)$/.exec(
      given,
    ) ??
      [];
  if (id !== SIGNED_KEYS.accessKeyId) return false;
  const payload = headers.get("x-amz-content-sha256") ?? "";
  if (/^[0-9a-f]{64}$/.test(payload) && sha256(body) !== payload) return false;
  const canonical = [
    method,
    url.pathname,
    url.search.slice(1).split("&").filter((one) => one !== "")
      .map((one) => one.includes("=") ? one : `${one}=`).sort().join("&"),
    ...names.split(";").map((name) => `${name}:${headers.get(name)?.trim()}`),
    "",
    names,
    payload,
  ].join("\n");
  const [date, region, service, end] = scope.split("/");
  const text = ["AWS4-HMAC-SHA256", headers.get("x-amz-date"), scope, sha256(canonical)].join("\n");
  const key = [date, region, service, end].reduce<string | Uint8Array>(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${SIGNED_KEYS.secretAccessKey}`,
  );
  return createHmac("sha256", key).update(text).digest("hex") === signature;
}

function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
