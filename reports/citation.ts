import { escapeLatex } from "./latex.ts";
import { formatCount, formatSeconds } from "./number_format.ts";
import { formatDollars } from "../core/dollars.ts";
import type { Provenance } from "./provenance.ts";
import { warningsOf } from "./run_facts.ts";

/** The paper whose claim is tested. */
const PAPER = `@inproceedings{liu2024provably,
  title = {Provably Mitigating Overoptimization in {RLHF}: Your {SFT} Loss is Implicitly an Adversarial Regularizer},
  author = {Liu, Zhihan and Lu, Miao and Zhang, Shenao and Liu, Boyi and Guo, Hongyi and Yang, Yingxiang and Blanchet, Jose and Wang, Zhaoran},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {37},
  year = {2024},
  eprint = {2405.16436},
  archiveprefix = {arXiv},
}`;

/** How to cite a run. */
export interface Citation {
  /** What it takes to make the run again, a sentence each. */
  readonly statement: readonly string[];
  /** Entries of the paper and of the run. */
  readonly bibtex: string;
}

/** A reproducibility statement of a run, and BibTeX of the paper and of the run. */
export function citation(provenance: Provenance): Citation {
  return {
    statement: statementOf(provenance),
    bibtex: `${PAPER}\n\n${runEntry(provenance)}\n`,
  };
}

function statementOf(provenance: Provenance): string[] {
  const { recipe, run, report, command, code, versions, machine, stages, seconds } = provenance;
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  const on = Object.entries(machine).map(([name, value]) => `${name} ${value}`).join(", ");
  const seeds = seedsOf(provenance);
  const work = stages.reduce((sum, stage) => sum + (stage.seconds ?? 0), 0);
  const warnings = warningsOf(provenance).length;
  return [
    `Results of the recipe ${recipe}, run ${run}${seeds === "" ? "" : `, seeds ${seeds}`}.`,
    ...(command === null ? [] : [`Made by: ${command}`]),
    `Code ${code} (SHA-256 over the modules that its ${stages.length} stages reach).`,
    `Used: ${used}.`,
    `Made on: ${on}.`,
    `Report ${report.digest}: the same recipe on the same code gives the same digest; another ` +
    `instruction set may change last bits.`,
    `Work: ${formatSeconds(work)}${seconds === null ? "" : `, this run ${formatSeconds(seconds)}`}${
      judgesOf(stages)
    }.`,
    ...dataSentences(provenance),
    warnings === 0 ? "The run gave no warnings." : `The run gave warnings: ${warnings}.`,
  ];
}

/** What judges were asked and were paid; empty where none was asked. */
function judgesOf(stages: Provenance["stages"]): string {
  const judges = stages.filter(({ answers }) => answers);
  if (judges.length === 0) return "";
  const total = (values: readonly (number | null)[]) =>
    values.reduce((sum: number, value) => sum + (value ?? 0), 0);
  const answers = formatCount(total(judges.map(({ answers }) => answers)));
  const priced = judges.filter(({ dollars }) => dollars !== null);
  const money = priced.length === 0
    ? "at prices that are not known"
    : formatDollars(total(priced.map(({ dollars }) => dollars))) +
      (priced.length < judges.length ? " for those with known prices" : "");
  return `; ${answers} answers of judges, ${money}`;
}

/** Files and folders from outside, by the digest of what they hold. */
function dataSentences({ stages }: Provenance): string[] {
  const files = stages.flatMap(({ instance, sources }) =>
    Object.entries(sources).map(([name, digest]) => `${instance}, ${name}: ${digest}`)
  );
  return files.length === 0 ? [] : [`Read from outside: ${files.join("; ")}.`];
}

function seedsOf({ stages }: Provenance): string {
  const seeds = stages.flatMap(({ instance }) => /[@,]seed=([^,]+)/.exec(instance)?.[1] ?? []);
  return [...new Set(seeds)].join(", ");
}

function runEntry(provenance: Provenance): string {
  const { recipe, run, report, code, versions, startedAt, stages } = provenance;
  const date = (startedAt ?? stages.at(-1)?.finishedAt ?? "").slice(0, 10);
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const note = `Run ${run}; code SHA-256 ${code}; report SHA-256 ${report.digest}; ${
    packages.join(", ")
  }`;
  return [
    `@misc{ballast-${recipe}-${report.digest.slice(0, 8)},`,
    `  title = {Ballast: run of the recipe ${escapeLatex(recipe)}},`,
    `  howpublished = {Ballast ${escapeLatex(versions.Ballast ?? "")}},`,
    ...(date === "" ? [] : [`  year = {${date.slice(0, 4)}},`, `  date = {${date}},`]),
    `  note = {${escapeLatex(note)}},`,
    `}`,
  ].join("\n");
}
