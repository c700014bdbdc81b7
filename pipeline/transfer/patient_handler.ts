import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { Watch } from "./silence.ts";

type Handler = S3Client["config"]["requestHandler"];
type Request = Parameters<Handler["handle"]>[0];
type Answer = Awaited<ReturnType<Handler["handle"]>>;

/** Bytes that are handed on at once; each piece that the connection takes is a sign of life. */
const PIECE = 64 * 2 ** 10;

/**
 * Has a client's requests end when the service is silent for too long: while it takes what is sent, until it
 * answers, and within its answer, but for the files that it gives, whose readers have a patience of their own.
 * How long all of it takes does not matter.
 */
export function makePatient({ config }: S3Client, silentMs: number): void {
  const inner = config.requestHandler;
  config.requestHandler = Object.assign(Object.create(inner) as Handler, {
    async handle(request: Request, options: Parameters<Handler["handle"]>[1]): Promise<Answer> {
      const given = new AbortController();
      const what = `s3:/${decodeURIComponent(request.path)}`;
      using watch = new Watch({ what, silentMs, giveUp: () => given.abort() });
      const { abortSignal: theirs } = (options ?? {}) as { abortSignal?: AbortSignal };
      const abortSignal = AbortSignal.any([given.signal, ...theirs ? [theirs] : []]);
      const sent = { ...request, body: inPieces(request.body, watch) } as Request;
      const answer = inner.handle(sent, { ...options, abortSignal }).then(async (answer) => {
        watch.heard();
        const gives = request.method === "GET" && answer.response.statusCode < 300;
        return gives ? answer : await readWhole(answer, watch);
      });
      return await Promise.race([answer, watch.silence]);
    },
  });
}

/** Bytes as a stream that tells when they are taken; other bodies, which are short, as they are. */
function inPieces(body: unknown, watch: Watch): unknown {
  if (!(body instanceof Uint8Array)) return body;
  let at = 0;
  return new Readable({
    highWaterMark: 0,
    read() {
      watch.heard();
      const piece = body.subarray(at, at + PIECE);
      at += piece.length;
      this.push(piece.length === 0 ? null : piece);
    },
  });
}

/** A service that puts parts together may take minutes, and sends spaces meanwhile. */
async function readWhole({ response }: Answer, watch: Watch): Promise<Answer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of response.body as AsyncIterable<Uint8Array>) {
    watch.heard();
    pieces.push(piece);
  }
  return { response: Object.assign(response, { body: Readable.from(pieces) }) };
}
