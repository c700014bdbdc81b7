import { InputError } from "../../core/problem.ts";

/** The environment variables that say where the hub is and who asks; none of them changes results. */
export const HUB_VARIABLES = ["HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"] as const;

/** Where the hub is and how it may be reached. */
export interface HubSettings {
  /** Without a slash at its end: `https://huggingface.co`. */
  readonly endpoint: string;
  /** Sent to the endpoint alone; in no message, no file. */
  readonly token: string | null;
  /** Asks nothing of the network. */
  readonly offline: boolean;
}

const DEFAULT_ENDPOINT = "https://huggingface.co";

/**
 * Where huggingface.co sends those who fetch large files: `cdnDomains` and `lfsDomains` of
 * https://huggingface.co/.well-known/meta.json, then the hosts that it named before.
 */
const DOWNLOAD_HOSTS = [
  "aws.cdn.hf.co",
  "us.aws.cdn.hf.co",
  "us-east-1.aws.cdn.hf.co",
  "us-west-2.aws.cdn.hf.co",
  "eu-west-3.aws.cdn.hf.co",
  "ap-southeast-1.aws.cdn.hf.co",
  "us.gcp.cdn.hf.co",
  "us-east1.us.gcp.cdn.hf.co",
  "us-central1.us.gcp.cdn.hf.co",
  "us-west4.us.gcp.cdn.hf.co",
  "europe-west4.us.gcp.cdn.hf.co",
  "asia-southeast1.us.gcp.cdn.hf.co",
  "transfer.xethub.hf.co",
  "transfer.xethub-eu.hf.co",
  "cdn-lfs.hf.co",
  "cdn-lfs-us-1.hf.co",
  "cdn-lfs-eu-1.hf.co",
  "cas-bridge.xethub.hf.co",
  "cas-bridge.xethub-eu.hf.co",
  "cas-bridge-direct.xethub.hf.co",
  "cdn-lfs.huggingface.co",
  "cdn-lfs-us-1.huggingface.co",
  "cdn-lfs-eu-1.huggingface.co",
].map((host) => `${host}:443`);

/**
 * Reads the settings from environment variables.
 *
 * @param variable gives a variable's value, `undefined` when it is not set
 * @throws InputError for an endpoint that is no http(s) address, or that would get the token unencrypted;
 * for a token with characters that none has (its value is not shown)
 */
export function readHubSettings(variable: (name: string) => string | undefined): HubSettings {
  const endpoint = parseEndpoint(variable("HF_ENDPOINT"));
  const token = variable("HF_TOKEN")?.trim() || null;
  if (token !== null && !/^[\x21-\x7e]+$/.test(token)) {
    throw new InputError([{
      path: "HF_TOKEN",
      message: "Expected a token of printable characters but found others (it is not shown).",
    }]);
  }
  const { protocol, hostname, origin, pathname } = endpoint;
  const local = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  if (token !== null && protocol === "http:" && !local) {
    throw new InputError([{
      path: "HF_ENDPOINT",
      message: `Expected https, since HF_TOKEN would be sent in the clear, but found ${origin}.`,
    }]);
  }
  const offline = /^(1|on|yes|true)$/i.test(variable("HF_HUB_OFFLINE") ?? "");
  return { endpoint: `${origin}${pathname}`.replace(/\/+$/, ""), token, offline };
}

/** The hosts, with ports, that these settings need: none offline. */
export function hubHosts(settings: HubSettings, more: readonly string[] = []): string[] {
  if (settings.offline) return [];
  const known = settings.endpoint === DEFAULT_ENDPOINT ? DOWNLOAD_HOSTS : [];
  return [...new Set([hostOf(settings.endpoint), ...known, ...more])];
}

/** An address's host with its port. */
export function hostOf(address: string): string {
  const { protocol, hostname, port } = new URL(address);
  return `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
}

function parseEndpoint(value: string | undefined): URL {
  const text = value?.trim() || DEFAULT_ENDPOINT;
  const url = URL.canParse(text) ? new URL(text) : null;
  const usable = url !== null && /^https?:$/.test(url.protocol) && url.username === "" &&
    url.password === "" && url.search === "" && url.hash === "";
  if (usable) return url;
  throw new InputError([{
    path: "HF_ENDPOINT",
    message: `Expected an address such as ${DEFAULT_ENDPOINT} but found ${
      url === null ? JSON.stringify(text) : "one with other parts (a name, a query)"
    }.`,
  }]);
}
