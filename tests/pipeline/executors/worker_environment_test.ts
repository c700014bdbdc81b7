import assert from "node:assert/strict";
import { join } from "node:path";
import { HUB_VARIABLES } from "../../../data/hub/settings.ts";
import { JUDGE_VARIABLES } from "../../../eval/judge/settings.ts";
import {
  WORKER_VARIABLES,
  workerEnvironment,
} from "../../../pipeline/executors/worker_environment.ts";
import { PROJECT } from "../../end_to_end/ballast.ts";
import { openToyPipeline } from "../toy/pipeline.ts";

const SECRETS: Record<string, string> = {
  PATH: "/bin",
  HTTPS_PROXY: "http://user:password@proxy",
  ALL_PROXY: "http://proxy",
  HF_TOKEN: "hf_secret",
  JUDGE_API_KEY: "sk-secret",
  AWS_SECRET_ACCESS_KEY: "secret",
};
const variable = (name: string) => SECRETS[name];

Deno.test("workerEnvironment() holds what a stage declares, a network's variables where it has one, no more", () => {
  const given = (resources: Parameters<typeof workerEnvironment>[0]) =>
    Object.keys(workerEnvironment(resources, variable));
  assert.deepEqual(given({}), ["PATH"]);
  assert.deepEqual(given({ environment: HUB_VARIABLES }), ["PATH", "HF_TOKEN"]);
  assert.deepEqual(given({ environment: JUDGE_VARIABLES, network: ["a:443"] }), [
    ...["PATH", "HTTPS_PROXY", "ALL_PROXY", "JUDGE_API_KEY"],
  ]);
  assert.equal(workerEnvironment({ environment: ["HF_TOKEN"] }, variable).HF_TOKEN, "hf_secret");
});

Deno.test("the tasks let the command line read all that it hands on to workers", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(PROJECT, "deno.json")));
  for (const name of ["reproduce", "ballast", "bench"]) {
    const [, list] = /--allow-env=(\S+)/.exec(tasks[name].command)!;
    const allowed = list.split(",");
    const needed = [...WORKER_VARIABLES, ...HUB_VARIABLES, ...JUDGE_VARIABLES];
    assert.deepEqual(needed.filter((one) => !allowed.includes(one)), [], name);
  }
});

Deno.test({
  name: "a worker's process has a variable only where its stage declares it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const secret = "BALLAST_TEST_SECRET";
    Deno.env.set(secret, "never to be seen");
    try {
      await using toy = await openToyPipeline();
      const count = async (declares: readonly string[]) => {
        const params = JSON.stringify({ variables: [secret, "PATH"], declares });
        const result = await toy.run(
          `recipe: toy\ndescribe: variables\nstages:\n  environment: { params: ${params} }\n`,
        );
        assert.deepEqual(result.failed, []);
        return toy.number(result, "environment");
      };
      assert.deepEqual([await count([]), await count([secret])], [1, 2]);
    } finally {
      Deno.env.delete(secret);
    }
  },
});
