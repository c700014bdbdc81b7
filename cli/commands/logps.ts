import type { Precision } from "../../train/precision.ts";
import stage from "../../stages/command_logps.ts";
import { runDirectly } from "../direct_job.ts";
import { printJson, printResult } from "../output.ts";
import { readRows } from "../rows.ts";
import { machineCapacity } from "../session.ts";

/** Options of `ballast logps`. */
export interface LogpsOptions {
  readonly model: string;
  readonly adapter?: string;
  readonly tokenizer?: string;
  /** A file of Jinja. */
  readonly template?: string;
  readonly pairs: string;
  readonly maxLength: number;
  readonly maxPromptLength: number;
  readonly threads?: number;
  readonly device?: string;
  readonly precision?: Precision;
  readonly tf32?: boolean;
  readonly fusedAttention?: boolean;
  readonly json: boolean;
}

interface Row {
  readonly id: string;
  readonly chosenLogp: number;
  readonly rejectedLogp: number;
  readonly chosenTokens: number;
  readonly rejectedTokens: number;
}

/** Scores a file of pairs and prints a row for each; returns the exit code. */
export async function logps({ json, ...options }: LogpsOptions): Promise<number> {
  const workFolder = await Deno.makeTempDir({ prefix: "ballast-logps-" });
  try {
    const threads = options.threads ?? machineCapacity().cores;
    const code = await runDirectly({ stage, params: { ...options, threads }, workFolder });
    if (code !== 0) return code;
    const rows = (await readRows<Row>(`${workFolder}/logps/logps.jsonl`)).map(({ id: _, ...row }) =>
      row
    );
    if (json) printJson({ rows });
    else {
      const head = ["chosenLogp", "rejectedLogp", "chosenTokens", "rejectedTokens"];
      const lines = rows.map((row) => Object.values(row).join("\t"));
      printResult([head.join("\t"), ...lines].join("\n"));
    }
    return 0;
  } finally {
    await Deno.remove(workFolder, { recursive: true });
  }
}
