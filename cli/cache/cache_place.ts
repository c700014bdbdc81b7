import { InputError } from "../../core/problem.ts";
import { userPath } from "../project.ts";

/** A cache, as a person names it: plain data, without secrets. */
export type CachePlace =
  | { readonly kind: "folder"; readonly folder: string }
  | { readonly kind: "http"; readonly address: string }
  | {
    readonly kind: "s3";
    readonly bucket: string;
    readonly prefix: string;
    readonly region: string;
    readonly endpoint: string;
  };

/** Who asks, and where the service is; the first two must be set. */
export const S3_VARIABLES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_REGION",
  "AWS_ENDPOINT_URL",
] as const;

/**
 * Reads `s3://BUCKET/PREFIX`, `https://HOST/FOLDER`, or a folder.
 *
 * @param variable gives an environment variable's value
 * @throws InputError naming what is wrong; no secret is shown
 */
export function cachePlace(
  text: string,
  variable: (name: string) => string | undefined = (name) => Deno.env.get(name),
): CachePlace {
  const refuse = (message: string): never => {
    throw new InputError([{ path: "the cache", message }]);
  };
  if (/^https?:/i.test(text)) return { kind: "http", address: addressOf(text, refuse) };
  if (!/^s3:/i.test(text)) {
    if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
      refuse("Expected s3://BUCKET, https://HOST or a folder but found another kind of address.");
    }
    return { kind: "folder", folder: userPath(text) };
  }
  const [, bucket, prefix = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(?:\/(.*))?$/.exec(text) ??
    refuse("Expected s3://BUCKET or s3://BUCKET/PREFIX.");
  const lacking = S3_VARIABLES.slice(0, 2).filter((name) => !variable(name));
  if (lacking.length > 0) refuse(`Expected ${lacking.join(" and ")} in the environment.`);
  const region = variable("AWS_REGION") ?? "us-east-1";
  const endpoint = variable("AWS_ENDPOINT_URL") ?? `https://s3.${region}.amazonaws.com`;
  return {
    kind: "s3",
    ...{ bucket, prefix: prefix.replace(/^\/+|\/+$/g, ""), region },
    endpoint: addressOf(endpoint, (message) => refuse(`AWS_ENDPOINT_URL: ${message}`)),
  };
}

function addressOf(text: string, refuse: (message: string) => never): string {
  const url = URL.canParse(text) ? new URL(text) : refuse("Expected an address.");
  if (url.username !== "" || url.password !== "") refuse("Expected an address without a password.");
  if (url.search !== "" || url.hash !== "") refuse("Expected an address without ? and #.");
  return url.href.replace(/\/+$/, "");
}

/** The host, with its port, that a cache is asked at; none for a folder. */
export function cacheHosts(place: CachePlace): string[] {
  if (place.kind === "folder") return [];
  const { host, port, protocol } = new URL(place.kind === "s3" ? place.endpoint : place.address);
  return [port === "" ? `${host}:${protocol === "https:" ? 443 : 80}` : host];
}
