import { ApiError } from "./api_error.ts";

/** Most bytes of a request's body. */
const MOST_BYTES = 8 * 2 ** 20;

/**
 * The JSON of a request's body. It must be called that: a page of another site may send what is called
 * text, or nothing, without asking first.
 *
 * @throws ApiError when it is called something else, longer than 8 MiB, or no JSON
 */
export async function readBody(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type");
  if (type?.split(";")[0].trim().toLowerCase() !== "application/json") {
    const found = type === null ? "none" : JSON.stringify(type);
    throw new ApiError(`Expected the Content-Type application/json but found ${found}.`, {
      status: 415,
    });
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = Number(request.headers.get("content-length") ?? 0);
  if (size > MOST_BYTES) throw tooLarge();
  size = 0;
  for await (const part of request.body ?? []) {
    size += part.length;
    if (size > MOST_BYTES) throw tooLarge();
    parts.push(part);
  }
  try {
    return JSON.parse(await new Blob(parts).text());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ApiError(`Expected a body of JSON but found: ${reason}`, { status: 400 });
  }
}

function tooLarge(): ApiError {
  return new ApiError(`Expected a body of at most ${MOST_BYTES} bytes but found more.`, {
    status: 413,
  });
}
