import { entryOf } from "../../core/instance_id.ts";
import type { KeyFields } from "../../pipeline/fingerprint.ts";
import type { KeyRecord, RunRecord } from "../../pipeline/store/records.ts";

/** What stands for a path of this machine. */
export const LOCAL = "(a path of the machine that it was made on)";

/**
 * Takes the paths of this machine out of texts that a bundle holds. Nothing of a path is left, unlike on a
 * page (`cli/shown_paths.ts`): equal runs give equal bytes wherever their data lie.
 */
export class LocalPlaces {
  /** Longest first, so that a folder does not cut a path in it short. */
  readonly #places: readonly string[];

  /** @param folders folders of this machine, such as the home folder */
  constructor(folders: readonly string[], run: RunRecord, records: Iterable<KeyRecord>) {
    const given = [...records].flatMap((record) => pathsOf(run, record));
    this.#places = [...new Set([...given, ...folders])]
      .filter((path) => path.length > 1)
      .sort((a, b) => b.length - a.length);
  }

  /** The text with each such path, and what follows it up to a space or a quote, replaced. */
  hide(text: string): string {
    return this.#places.reduce((rest, place) => {
      const literal = RegExp.escape(place);
      return rest.replace(
        new RegExp(`${literal}(?=[/\\s"',:;)\\]}]|$)[^\\s"',:;)\\]}]*`, "g"),
        LOCAL,
      );
    }, text);
  }
}

/** The values of an instance's parameters that name files or folders. */
function pathsOf(run: RunRecord, { instance, fields }: KeyRecord): string[] {
  const params = (run.parameters as Record<string, Record<string, unknown>> | null)?.[instance];
  return Object.keys((fields as unknown as KeyFields).sources ?? {}).flatMap((name) => {
    const value = params?.[name];
    return typeof value === "string" ? [value] : [];
  });
}

/** What was set on the command line, without values that name files or folders. */
export function hidePaths(set: readonly string[], records: Iterable<KeyRecord>): string[] {
  const paths = new Set(
    [...records].flatMap(({ instance, fields }) =>
      Object.keys((fields as unknown as KeyFields).sources ?? {})
        .map((name) => `${entryOf(instance)}.${name}`)
    ),
  );
  return set.map((text) => {
    const name = text.slice(0, text.indexOf("="));
    return paths.has(name) ? `${name}=${LOCAL}` : text;
  });
}
