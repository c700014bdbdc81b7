import { join } from "node:path";

/** Stages that each part of the graph has: rows, a tokenizer of them, token ids, and a model. */
export const STAGES_A_PART = 4;

/** The parameter that `change` sets, of the stage `tokenizer` of part 1. */
export const CHANGED = "padToken";

/** Stages that follow from it: the tokenizer, its token ids, its model. */
export const STAGES_CHANGED = 3;

/** What the parameter is before it is changed, and after the change numbered `round`: never twice the same. */
export function valueOf(part: number, round: number | null): string {
  return round === null ? `<pad-${part}>` : `<pad-changed-${round}>`;
}

/** The names of a part's stages, in order; each reads those that `READS` names. */
const READS = {
  data: [],
  tokenizer: ["data"],
  tokens: ["data", "tokenizer"],
  model: ["tokenizer"],
} as const;
const NAMES = Object.keys(READS) as (keyof typeof READS)[];

/** Writes Ballast's recipe into a folder: stages of its own on a few rows, the smallest there are. */
export async function writeRecipe(folder: string, parts: number): Promise<void> {
  await Deno.mkdir(join(folder, "rows"), { recursive: true });
  for (const split of ["train", "test"]) {
    const rows = Array.from(
      { length: parts + 1 },
      (_, i) => ({ prompt: `say ${split} ${i}`, chosen: `yes ${i}`, rejected: "no" }),
    );
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    await Deno.writeTextFile(join(folder, "rows", `${split}_prefs.jsonl`), text);
  }
  const entries = parted(parts).map((part) => `
  data-${part}:
    uses: read-pairs
    params: { path: rows, limit: ${part}, testLimit: ${part} }
  tokenizer-${part}:
    uses: train-tokenizer
    inputs: { train: data-${part}.train }
    params: { vocabSize: 270, ${CHANGED}: "${valueOf(part, null)}" }
  tokens-${part}:
    uses: tokenize
    inputs: { pairs: data-${part}.test, tokenizer: tokenizer-${part} }
    params: { maxLength: 24, maxPromptLength: 8 }
  model-${part}:
    uses: initialize
    inputs: { tokenizer: tokenizer-${part} }
    params:
      { hiddenSize: 8, intermediateSize: 8, layers: 1, heads: 1, tiedEmbeddings: true, seed: ${part} }
`);
  const text = `recipe: overhead\ndescribe: Stages that do next to nothing.\nstages:${
    entries.join("")
  }`;
  await Deno.writeTextFile(join(folder, "overhead.yaml"), text);
}

/** Writes `dvc.yaml` and its parameters: the same graph, each stage a `cat` of what it reads. */
export async function writeDvcProject(folder: string, parts: number): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const stages = parted(parts).flatMap((part) =>
    NAMES.map((name) => {
      const reads = READS[name].map((read) => `${read}-${part}.txt`);
      return `
  ${name}-${part}:
    cmd: cat params/${name}-${part}.yaml ${reads.join(" ")} > ${name}-${part}.txt
    params:
      - params/${name}-${part}.yaml:
          - value
    outs:
      - ${name}-${part}.txt${
        reads.length === 0 ? "" : `\n    deps:${reads.map((read) => `\n      - ${read}`).join("")}`
      }`;
    })
  );
  await Deno.writeTextFile(join(folder, "dvc.yaml"), `stages:${stages.join("")}\n`);
  await writeParams(join(folder, "params"), parts);
}

/** Writes a `Snakefile`: a rule a kind of stage, with the part as its wildcard. */
export async function writeSnakefile(folder: string, parts: number): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const rules = NAMES.map((name) => {
    const reads = READS[name].map((read) => `"${read}-{part}.txt"`);
    return `
rule ${name}:
    input: ${reads.join(", ")}
    output: "${name}-{part}.txt"
    params: value=lambda wildcards: value("${name}", wildcards.part)
    shell: "(echo '{params.value}'; cat {input} /dev/null) > {output}"
`;
  });
  const last = `["tokens", "model"]`;
  const text = `import json
with open("params.json") as file:
    VALUES = json.load(file)
def value(name, part):
    return VALUES[f"{name}-{part}"]
rule all:
    input: expand("{name}-{part}.txt", name=${last}, part=range(1, ${parts + 1}))
${rules.join("")}`;
  await Deno.writeTextFile(join(folder, "Snakefile"), text);
  await changeSnakemake(folder, parts, null);
}

/** Gives the changed parameter its value of a round in DVC's project. */
export async function changeDvc(folder: string, round: number | null): Promise<void> {
  const text = `value: "${valueOf(1, round)}"\n`;
  await Deno.writeTextFile(join(folder, "params", "tokenizer-1.yaml"), text);
}

/** The same in Snakemake's. */
export async function changeSnakemake(
  folder: string,
  parts: number,
  round: number | null,
): Promise<void> {
  const values = parted(parts).flatMap((part) =>
    NAMES.map((
      name,
    ) => [`${name}-${part}`, valueOf(part, part === 1 && name === "tokenizer" ? round : null)])
  );
  await Deno.writeTextFile(
    join(folder, "params.json"),
    JSON.stringify(Object.fromEntries(values)),
  );
}

async function writeParams(folder: string, parts: number): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const part of parted(parts)) {
    for (const name of NAMES) {
      const text = `value: "${valueOf(part, null)}"\n`;
      await Deno.writeTextFile(join(folder, `${name}-${part}.yaml`), text);
    }
  }
}

function parted(parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => i + 1);
}
