import { InputError, type Problem } from "../../core/problem.ts";

/** The environment variables that say where the judge is and who asks. */
export const JUDGE_VARIABLES = [
  "JUDGE_BASE_URL",
  "JUDGE_API_KEY",
  "JUDGE_MODEL",
  "JUDGE_OFFLINE",
] as const;

/** Where the judge is and how it may be reached. */
export interface JudgeSettings {
  /** Such as `https://api.example.org/v1`, without a slash at its end; null where none is set. */
  readonly baseUrl: string | null;
  /** Sent to that address alone; in no message, no file. */
  readonly apiKey: string | null;
  /** The name that the endpoint knows the judge by; null where none is set. */
  readonly model: string | null;
  /** Asks nothing: kept answers alone. */
  readonly offline: boolean;
}

/**
 * Reads the settings from environment variables. They have names of their own, so that a key that is
 * there for other programs is not spent on judging.
 *
 * @param variable gives a variable's value, `undefined` when it is not set
 * @throws InputError for an address that is none, or that would get the key unencrypted; for a key with
 * characters that none has (its value is not shown)
 */
export function readJudgeSettings(
  variable: (name: typeof JUDGE_VARIABLES[number]) => string | undefined,
): JudgeSettings {
  const problems: Problem[] = [];
  const refuse = (path: string, message: string) => {
    problems.push({ path, message });
    return null;
  };
  const text = (name: typeof JUDGE_VARIABLES[number]) => variable(name)?.trim() || null;
  const address = text("JUDGE_BASE_URL");
  const url = address === null ? null : parseAddress(address, refuse);
  const apiKey = text("JUDGE_API_KEY");
  if (apiKey !== null && !/^[\x21-\x7e]+$/.test(apiKey)) {
    refuse(
      "JUDGE_API_KEY",
      "Expected a key of printable characters but found others (it is not shown).",
    );
  }
  if (url?.protocol === "http:" && apiKey !== null && !isLocal(url.hostname)) {
    refuse(
      "JUDGE_BASE_URL",
      `Expected https, since JUDGE_API_KEY would be sent in the clear, but found ${url.origin}.`,
    );
  }
  if (problems.length > 0) throw new InputError(problems);
  return {
    baseUrl: url === null ? null : `${url.origin}${url.pathname}`.replace(/\/+$/, ""),
    apiKey,
    model: text("JUDGE_MODEL"),
    offline: /^(1|on|yes|true)$/i.test(text("JUDGE_OFFLINE") ?? ""),
  };
}

/** The host, with its port, that these settings need: none offline. */
export function judgeHosts({ baseUrl, offline }: JudgeSettings): string[] {
  if (offline || baseUrl === null) return [];
  const { protocol, hostname, port } = new URL(baseUrl);
  return [`${hostname}:${port || (protocol === "http:" ? 80 : 443)}`];
}

function isLocal(hostname: string): boolean {
  return ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
}

function parseAddress(
  text: string,
  refuse: (path: string, message: string) => null,
): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return refuse(
      "JUDGE_BASE_URL",
      "Expected an address such as https://api.example.org/v1 but found another text (it is not shown).",
    );
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    return refuse(
      "JUDGE_BASE_URL",
      `Expected an address alone but found a name, a query or a fragment with ${url.origin}.`,
    );
  }
  return url;
}
