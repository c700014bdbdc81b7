import { basename } from "node:path";
import { isLoopback } from "../../core/own_host.ts";
import stage, { hostInAddress } from "../../stages/command_serve_model.ts";
import { runDirectly } from "../direct_job.ts";
import { printNotice, printResult, printVerbatim } from "../output.ts";
import { userPath } from "../project.ts";
import { machineCapacity } from "../session.ts";

/** Options of `ballast serve-model`. */
export interface ServeModelOptions {
  readonly model: string;
  readonly adapter?: string;
  readonly tokenizer?: string;
  /** A file of Jinja. */
  readonly template?: string;
  readonly host: string;
  readonly port: number;
  /** What clients call the model. */
  readonly modelName?: string;
  /** Most new tokens of an answer. */
  readonly maxTokens?: number;
  readonly threads?: number;
  readonly json: boolean;
}

/** Serves a model until it is interrupted; returns the exit code. */
export async function serveModel({ json, ...options }: ServeModelOptions): Promise<number> {
  const { host, modelName = basename(userPath(options.model)) } = options;
  const names = isLoopback(host) ? [] : [Deno.hostname()];
  if (!isLoopback(host)) {
    printNotice(`Whoever reaches ${host} may use the model: no key is asked for.`);
  }
  const folder = await Deno.makeTempDir({ prefix: "ballast-serve-model-" });
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  try {
    return await runDirectly({
      stage,
      params: { threads: machineCapacity().cores, ...Object.fromEntries(given), modelName, names },
      workFolder: `${folder}/work`,
      stopping: "Stopping: answers under way are given up. Press Ctrl-C again to end at once.",
      onStep: ({ port }) => {
        const address = `http://${hostInAddress(host)}:${port}/v1`;
        if (json) printVerbatim(JSON.stringify({ address, model: modelName }));
        else printResult(`${modelName} answers at ${address} until Ctrl-C.`);
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
