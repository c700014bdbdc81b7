import { z } from "../core/zod.ts";
import { HUB_VARIABLES, hubHosts, readHubSettings } from "../data/hub/settings.ts";
import type { Resources } from "../pipeline/stage.ts";

/** The revision of a repository. */
export const revision = z.string().min(1).describe(
  "Commit (40 hex digits), tag or branch; only a commit is the same for ever",
);

/** Hosts that the hub may send downloads from beside those it is known to. */
export const downloadHosts = z.array(z.string().regex(/^[\w.-]+:\d+$/, "a host with its port"))
  .default([]).describe("Further hosts that downloads may come from, such as cdn.example.org:443");

/** What a stage needs to fetch from the hub: its hosts alone, none offline; the token; the cache. */
export function hubResources(
  { downloadHosts }: { readonly downloadHosts: readonly string[] },
): Pick<Resources, "network" | "environment" | "caches"> {
  return {
    network: hubHosts(readHubSettings(withoutToken), downloadHosts),
    environment: HUB_VARIABLES,
    caches: ["hub"],
  };
}

/** The command line asks for hosts alone, and does not look at the token; workers do. */
function withoutToken(name: string): string | undefined {
  return name === "HF_TOKEN" ? undefined : Deno.env.get(name);
}

/** The hub, as a worker's environment has it. */
export function hubSettings() {
  return readHubSettings((name) => Deno.env.get(name));
}
