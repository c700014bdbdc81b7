import assert from "node:assert/strict";
import { readRecipe } from "../../cli/session.ts";
import { prerequisitesOf } from "../../pipeline/graph.ts";
import type { Instance } from "../../pipeline/instance.ts";
import { openGates } from "../../pipeline/open_gates.ts";
import { parseRecipe } from "../../pipeline/recipe.ts";
import { instancesOf, instancesOfSource } from "./recipe_instances.ts";

const SMOLLM2 = ["data.path=rows", "base.path=model.gguf"];

/** Every shipped recipe that trains, with what it requires. */
const TRAINING: Readonly<Record<string, readonly string[]>> = {
  "tiny": [],
  "tiny-eta-beta": [],
  "tiny-overtrained": [],
  "tiny-sample-size": [],
  "ultrafeedback-small": ["data.path=rows"],
  "ultrafeedback-smollm2": SMOLLM2,
  "ultrafeedback-smollm2-judged": [
    ...[...SMOLLM2, "judge.template=prompts.jsonl", "judge-over-dpo.template=prompts.jsonl"],
  ],
  "ultrafeedback-smollm2-mt-bench": [...SMOLLM2, "mt-bench.path=mt_bench"],
  "ultrafeedback-smollm2-alpaca-eval": [
    ...[...SMOLLM2, "alpaca-eval.path=alpaca_eval", "score.difficulty=difficulty.jsonl"],
  ],
  "zephyr-7b-beta": [],
  "zephyr-7b-gemma": [],
  "openrlhf-gemma": [],
};

const expanded = (name: string) => instancesOf(name, TRAINING[name]);

/** The ids of all that must have a result before an instance starts. */
function ancestors(instance: Instance, byId: ReadonlyMap<string, Instance>): Set<string> {
  const reached = new Set<string>();
  const visit = (id: string): void => {
    if (reached.has(id)) return;
    reached.add(id);
    prerequisitesOf(byId.get(id)!).forEach(visit);
  };
  prerequisitesOf(instance).forEach(visit);
  return reached;
}

for (const name of Object.keys(TRAINING)) {
  Deno.test(`${name} trains on audited pairs only once their audit has passed`, async () => {
    const instances = await expanded(name);
    const byId = new Map(instances.map((one) => [one.id, one]));
    const tokensOf = ({ inputs }: Instance, port: string) => inputs[port][0].instance;
    const audits = instances.filter(({ stage }) => stage.name === "audit");
    const gated = instances.filter(({ stage }) => stage.name === "train").flatMap((train) => {
      const audit = audits.find((one) => tokensOf(one, "train") === tokensOf(train, "tokens"));
      if (audit === undefined) return []; // the reference of a recipe that makes its own pairs
      assert.ok(ancestors(train, byId).has(audit.id), `${train.id} does not wait for ${audit.id}`);
      return [train.id];
    });
    assert.ok(gated.some((id) => id.startsWith("train/dpo")), gated.join(" "));
  });
}

/** What is warned of a recipe that a change of the text of a shipped one makes. */
async function warningsOf(name: string, change = (text: string) => text): Promise<string[]> {
  const { text, path } = readRecipe(name)!;
  const source = await parseRecipe(change(text), path, readRecipe);
  return openGates(await instancesOfSource(source, TRAINING[name]), source);
}

Deno.test("openGates() finds none open in a recipe that is shipped", async () => {
  const found = await Promise.all(
    Object.keys(TRAINING).map(async (name) => [name, await warningsOf(name)]),
  );
  assert.deepEqual(found, Object.keys(TRAINING).map((name) => [name, []]));
});

Deno.test("openGates() names what reads the audited pairs and does not wait for their audit", async () => {
  const ungated = (text: string) => text.replaceAll(/^ +after: \[audit\]\n/gm, "");
  const [warning, ...more] = await warningsOf("ultrafeedback-smollm2", ungated);
  assert.deepEqual(more, []);
  assert.match(
    warning,
    /^recipes\/ultrafeedback-smollm2\.yaml:\d+: stages\.audit: It does not stop reference-logps, train, /,
  );
  assert.match(warning, /which read what it checks\. Write "after: \[audit\]" there\.$/);
  // What waits for something that waits is stopped as well.
  const one = (text: string) => text.replace(/(^ +each: .*\n) +after: \[audit\]\n/m, "$1");
  assert.deepEqual(await warningsOf("ultrafeedback-smollm2", one), []);
});

for (const name of ["ultrafeedback-smollm2-mt-bench", "ultrafeedback-smollm2-alpaca-eval"]) {
  Deno.test(`${name} answers a benchmark once its prompts were held against the training set`, async () => {
    const instances = await expanded(name);
    const byId = new Map(instances.map((one) => [one.id, one]));
    const [audit] = instances.filter(({ stage }) => stage.name === "audit");
    const answers = instances.filter(({ inputs }) => inputs.benchmark?.length > 0)
      .filter(({ stage }) => stage.name === "generate");
    assert.equal(answers.length, 4);
    for (const answer of answers) {
      const { instance } = answer.inputs.benchmark[0];
      assert.deepEqual(audit.inputs.prompts.map((ref) => ref.instance), [instance]);
      assert.ok(ancestors(answer, byId).has(audit.id), answer.id);
    }
  });
}

Deno.test("every recipe that trains is among those looked at", async () => {
  const folder = new URL("../../recipes/", import.meta.url);
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name)
    .filter((name) => name.endsWith(".yaml")).map((name) => name.slice(0, -".yaml".length));
  const training: string[] = [];
  for (const name of names) {
    const { text, path } = readRecipe(name)!;
    const { recipe: { stages } } = await parseRecipe(text, path, readRecipe);
    const used = Object.entries(stages).map(([entry, { uses }]) => uses ?? entry);
    if (used.includes("train")) training.push(name);
  }
  assert.deepEqual(training.sort(), Object.keys(TRAINING).sort());
});

for (const name of Object.keys(TRAINING)) {
  Deno.test(`${name} answers no prompt that its audits have not held against the training set`, async () => {
    const instances = await expanded(name);
    const read = (stage: string, ports: readonly string[]) =>
      instances.filter((one) => one.stage.name === stage).flatMap(({ inputs }) =>
        ports.flatMap((port) => inputs[port] ?? []).map(({ instance, port }) =>
          `${instance}.${port}`
        )
      );
    const audited = new Set(read("audit", ["pairs", "prompts"]));
    const answered = read("generate", ["pairs", "prompts"]);
    assert.deepEqual(answered.filter((one) => !audited.has(one)), []);
  });
}
