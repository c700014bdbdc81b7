import type { Json } from "../../core/json.ts";
import { escapeMarkdown } from "../markdown.ts";
import { formatCount, formatInterval, formatNumber } from "../number_format.ts";
import type { BaseFacts, CardFacts, MeasuredFacts, WeightsFacts } from "./card_facts.ts";
import { factsTable, fence } from "./card_text.ts";
import { DATA_CARD } from "./data_card.ts";
import { frontMatter, licenseId, UNKNOWN_LICENSE } from "./front_matter.ts";
import { trainingSection } from "./training_section.ts";

/** The file of a model card. */
export const MODEL_CARD = "README.md";

/**
 * The card of an exported model or adapter, as the hub shows it: YAML in front, then Markdown. Equal
 * facts give an equal card; texts of others are shown as they are and do nothing.
 */
export function modelCard(facts: CardFacts): string {
  const sections = [
    `# ${title(facts)}`,
    summary(facts),
    section("How to load it", loading(facts)),
    section("What it must not be taken for", limits(facts)),
    section("How it was trained", trainingSection(facts)),
    section("What was measured", measured(facts.measured)),
    section("Licence", licence(facts)),
  ];
  return `${frontMatter(hubFields(facts))}\n${sections.join("\n\n")}\n`;
}

/** Whether only an adapter was written. */
function isAdapter({ adapter }: WeightsFacts): boolean {
  return adapter !== null && !adapter.merged;
}

function hubFields({ base, weights, training }: CardFacts): Record<string, Json> {
  const datasets = [...new Set(training.flatMap(({ pairs }) => pairs?.dataset?.name ?? []))];
  const losses = training.flatMap(({ params }) =>
    typeof params.loss === "string" && params.loss !== "custom" ? [params.loss] : []
  );
  const licenseName = licenseId(base.licenseName);
  return {
    license: licenseId(base.license),
    ...(licenseName === UNKNOWN_LICENSE ? {} : { license_name: licenseName }),
    ...(base.name === null ? {} : { base_model: base.name }),
    ...(base.name === null ? {} : { base_model_relation: relation({ base, weights, training }) }),
    ...(datasets.length === 0 ? {} : { datasets }),
    library_name: isAdapter(weights) ? "peft" : "transformers",
    pipeline_tag: "text-generation",
    tags: [...new Set(["ballast", ...losses, ...(isAdapter(weights) ? ["lora"] : [])])],
  };
}

/** One of the hub's words for what a model is to its base. */
function relation(
  { base, weights, training }: Pick<CardFacts, "base" | "weights" | "training">,
): string {
  if (isAdapter(weights)) return "adapter";
  const isTrained = training.length > 0 || weights.adapter !== null;
  return isQuantised(base) && !isTrained ? "quantized" : "finetune";
}

/** Whether the base's weights had lost digits before they were read. */
function isQuantised({ ggufType }: BaseFacts): boolean {
  return ggufType !== null && !["F32", "F16", "BF16"].includes(ggufType);
}

function section(heading: string, body: string): string {
  return `## ${heading}\n\n${body}`;
}

function title({ origin, base, weights }: CardFacts): string {
  const what = isAdapter(weights) ? "A LoRA adapter" : "A model";
  if (origin !== null) {
    return `${escapeMarkdown(origin.instance)} of the recipe ${escapeMarkdown(origin.recipe)}`;
  }
  return base.name === null
    ? `${what} exported by Ballast`
    : `${what} from ${escapeMarkdown(base.name)}`;
}

function summary({ origin, base, weights }: CardFacts): string {
  const { family, parameters, dtype, adapter } = weights;
  const rows: [string, string][] = [
    ["Kind", isAdapter(weights) ? "a LoRA adapter in PEFT's format" : "a causal language model"],
    ["Family", escapeMarkdown(family)],
    [isAdapter(weights) ? "Parameters of the adapter" : "Parameters", formatCount(parameters)],
    ["Weights stored as", dtype],
    ["Base model", baseText(base)],
  ];
  if (adapter !== null) {
    if (adapter.merged) rows.push(["Merged into it", "a LoRA adapter"]);
    rows.push(["Rank, alpha", `${adapter.rank}, ${adapter.alpha}`]);
    rows.push(["Matrices that it changes", adapter.targets.map(escapeMarkdown).join(", ")]);
  }
  if (origin !== null) {
    rows.push(["Recipe", escapeMarkdown(origin.recipe)]);
    rows.push(["Instance", escapeMarkdown(origin.instance)]);
    rows.push(["Key", origin.key], [
      isAdapter(weights) ? "Digest of the model with it merged" : "Digest of the float32 model",
      origin.digest,
    ]);
  }
  return factsTable(rows);
}

function baseText({ name, revision, fromScratch }: BaseFacts): string {
  if (fromScratch) return "none: its weights were random before training";
  if (name === null) return "not known: none of the files names it";
  return escapeMarkdown(name) + (revision === null ? "" : ` at ${escapeMarkdown(revision)}`);
}

/** Names that are safe within quotes. */
const HUB_NAME = /^[A-Za-z0-9][\w.-]*(\/[\w.-]+)?$/;

function loading({ base, weights }: CardFacts): string {
  const named = base.name !== null && HUB_NAME.test(base.name) ? base.name : "BASE_MODEL";
  const isCommit = /^[0-9a-f]{40}$/.test(base.revision ?? "");
  const pinned = `"${named}"${isCommit ? `, revision="${base.revision}"` : ""}`;
  const lines = !isAdapter(weights)
    ? [
      "from transformers import AutoModelForCausalLM, AutoTokenizer",
      "",
      'model = AutoModelForCausalLM.from_pretrained("FOLDER")',
      'tokenizer = AutoTokenizer.from_pretrained("FOLDER")',
    ]
    : [
      "from peft import PeftModel",
      "from transformers import AutoModelForCausalLM, AutoTokenizer",
      "",
      `base = AutoModelForCausalLM.from_pretrained(${pinned})`,
      'model = PeftModel.from_pretrained(base, "FOLDER")',
      'tokenizer = AutoTokenizer.from_pretrained("FOLDER")',
    ];
  const prompt = weights.hasChatTemplate
    ? [
      'messages = [{"role": "user", "content": "…"}]',
      "inputs = tokenizer.apply_chat_template(",
      '    messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"',
      ")",
    ]
    : ['inputs = tokenizer("…", return_tensors="pt")'];
  const reply = [
    "output = model.generate(**inputs, max_new_tokens=64)",
    "print(tokenizer.decode(output[0], skip_special_tokens=True))",
  ];
  return [
    "`FOLDER` is this folder, or its repository on the hub.",
    fence("python", [...lines, "", ...prompt, ...reply]),
  ].join("\n\n");
}

function limits({ base, weights, training, measured }: CardFacts): string {
  const items = [
    "It is the outcome of an experiment on preference losses, not a product. Nobody has tested it for " +
    "safety, truth, bias or any use outside that experiment.",
  ];
  if (base.fromScratch) {
    items.push(
      `It has ${
        formatCount(weights.parameters)
      } parameters and has seen its training data alone: ` +
        "it knows nothing else and cannot chat.",
    );
  } else {
    items.push("What its base model gets wrong, it most likely gets wrong, too.");
  }
  if (isQuantised(base)) {
    items.push(
      `Its base's weights were read from a GGUF file, most of them quantised as ` +
        `${
          escapeMarkdown(base.ggufType!)
        }: they are not exactly those of the model that was quantised.`,
    );
  }
  if (training.length === 0) {
    items.push("How its weights came about is not recorded here.");
  }
  items.push(
    measured.length === 0
      ? "No evaluation of it is recorded: nothing here says that it is better than its base."
      : "The figures below hold for the data they were measured on. One run of one seed does not show " +
        "that one loss is better than another.",
  );
  return items.map((item) => `- ${item}`).join("\n");
}

function measured(evaluations: readonly MeasuredFacts[]): string {
  if (evaluations.length === 0) return "No evaluation of this model is in the store it comes from.";
  return evaluations.map(({ instance, digest, metrics }) => {
    const rows = metrics.map(({ label, unit, describe, digits, mean, interval, n }) =>
      `| ${escapeMarkdown(label)} | ${formatNumber(mean, digits)}` +
      ` | ${interval === null ? "–" : formatInterval(interval, digits)} | ${escapeMarkdown(unit)}` +
      ` | ${formatCount(n)} | ${escapeMarkdown(describe)} |`
    );
    return [
      `By ${
        escapeMarkdown(instance)
      } (digest ${digest}); intervals are 95%, by the bootstrap over ` +
      "prompts, and say nothing of other seeds.",
      "",
      "| Metric | Mean | Interval | Unit | n | What it is |",
      "| :--- | ---: | ---: | :--- | ---: | :--- |",
      ...rows,
    ].join("\n");
  }).join("\n\n");
}

function licence({ base, training }: CardFacts): string {
  const { license, licenseName, licenseSource } = base;
  const sentences: string[] = [];
  if (license !== null) {
    sentences.push(
      `The base model's licence is ${escapeMarkdown(licenseName ?? license)}, as ` +
        `${escapeMarkdown(licenseSource ?? "its files")} states it.`,
    );
    if (licenseId(license) === UNKNOWN_LICENSE) {
      sentences.push("The hub has no short name of that form, so the card's field says unknown.");
    }
  } else if (base.fromScratch) {
    sentences.push(
      "There is no base model, and nobody has stated a licence: whoever publishes it has to.",
    );
  } else {
    sentences.push(
      "None of the base model's files states a licence. Look it up before you pass this on.",
    );
  }
  if (training.some(({ pairs }) => pairs !== null)) {
    sentences.push(`What is known of the data's licence is in [${DATA_CARD}](${DATA_CARD}).`);
  }
  return sentences.join(" ");
}
