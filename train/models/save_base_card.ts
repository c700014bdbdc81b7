import { readGgufHeader } from "../../core/gguf_file.ts";
import { isFile } from "../../core/is_file.ts";

/** What a model's folder says of itself, and under which licence others may use it. */
const STATEMENTS = ["README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"] as const;

/**
 * Keeps what a model states of itself beside its copy: a folder's card and licence as they are; of a GGUF
 * file a card, in the form that the hub gives its own, with the licence that its metadata name.
 */
export async function saveBaseCard(from: string, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  if (await isFile(from)) {
    const { metadata } = await readGgufHeader(from);
    await Deno.writeTextFile(`${folder}/README.md`, cardOf(from, metadata));
    return;
  }
  for (const name of STATEMENTS) {
    const source = `${from}/${name}`;
    if (await isFile(source)) {
      await Deno.writeFile(`${folder}/${name}`, await Deno.readFile(source));
    }
  }
}

function cardOf(path: string, metadata: ReadonlyMap<string, unknown>): string {
  const text = (key: string) => {
    const value = metadata.get(`general.${key}`);
    return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
  };
  const fields = Object.entries({
    license: text("license"),
    license_name: text("license.name"),
    license_link: text("license.link"),
  }).filter(([, value]) => value !== null);
  // A JSON text is a YAML text: a licence of many lines stays one field.
  const front = fields.map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join("");
  const file = path.slice(path.lastIndexOf("/") + 1);
  const title = (text("name") ?? file).replaceAll(/\s+/g, " ");
  return `${
    front && `---\n${front}---\n\n`
  }# ${title}\n\nRead from ${file}, its weights as float32.\n`;
}
