import assert from "node:assert/strict";
import type { InputArtifact, Stage } from "../../pipeline/stage.ts";

/** What a stage left and said. */
export interface Ran {
  /** Folder of an output. */
  output(port: string): string;
  readonly log: string[];
  readonly warnings: string[];
}

const folders: string[] = [];
addEventListener("unload", () => {
  for (const folder of folders) Deno.removeSync(folder, { recursive: true });
});

/** A folder that is removed in the end. */
export async function temporaryFolder(): Promise<string> {
  const folder = await Deno.makeTempDir();
  folders.push(folder);
  return folder;
}

/** Runs a stage in a folder (a temporary one unless given) as the engine would, inputs given as folders. */
export async function runStage<P>(
  stage: Stage<P>,
  params: unknown,
  inputs: Readonly<Record<string, string | readonly string[]>> = {},
  given?: string,
): Promise<Ran> {
  const root = given ?? await temporaryFolder();
  for (const port of Object.keys(stage.outputs)) await Deno.mkdir(`${root}/${port}`);
  for (const port of Object.keys(inputs)) assert.ok(port in stage.inputs, port);
  const artifacts = (port: string): InputArtifact[] =>
    [inputs[port] ?? []].flat().map((path) => ({
      path,
      type: stage.inputs[port].type,
      digest: "",
      from: `${port}-stage`,
      axes: {},
    }));
  const ran: Ran = { output: (port) => `${root}/${port}`, log: [], warnings: [] };
  await stage.run({
    params: stage.params.parse(params),
    instanceId: stage.name,
    run: "0001",
    input: (port) => artifacts(port)[0],
    inputs: artifacts,
    output: ran.output,
    scratch: root,
    cache: () => root,
    signal: new AbortController().signal,
    progress: () => {},
    measure: () => {},
    log: (message) => ran.log.push(message),
    warn: (message) => ran.warnings.push(message),
  });
  return ran;
}
