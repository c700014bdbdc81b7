import { isClean, type Outcome, PARTS, type Verdict } from "./outcome.ts";

const VERDICTS: readonly Verdict[] = ["undisturbed", "healed", "told", "wrong", "lost"];

const TITLES: Readonly<Record<(typeof PARTS)[number], string>> = {
  kill: "Kills",
  stage: "Stages that misbehave",
  store: "Damaged stores",
  disk: "Full and read-only disks",
  clock: "Clocks",
  power: "Power losses",
};

/**
 * The campaign as Markdown: a row a kind of fault, how often it befell, and how each ended.
 *
 * @param how the command and its options, by which the table is made again
 * @param skipped what was not done, and why
 */
export function formatCampaign(
  outcomes: readonly Outcome[],
  { how, skipped, through }: {
    readonly how: string;
    readonly skipped: readonly string[];
    /** False for a campaign that goes on, or was ended before it was through. */
    readonly through: boolean;
  },
): string {
  const kills = outcomes.filter(({ part }) => part === "kill").length;
  const others = outcomes.length - kills;
  const bad = (verdict: Verdict) => outcomes.filter((one) => one.verdict === verdict).length;
  const verdict = isClean(outcomes)
    ? "Nothing was wrong or lost."
    : "**There is something to mend.**";
  return `# Fault campaign

Written by \`${how}\`. ${kills} kills and ${others} other faults: ${bad("wrong")} wrong results,
${bad("lost")} finished stages lost. ${verdict}${through ? "" : " The campaign is not through."}

- **undisturbed**: the run with the fault gave the undisturbed digests itself.
- **healed**: the next run ended by itself, with the undisturbed digests.
- **told**: a message said what a person must do; that was done, and the next run gave the same digests.
- **wrong**: other digests, a run that did not end, or a message that helps nobody.
- **lost**: a stage that had finished ran again.
${skipped.map((text) => `- Not done: ${text}\n`).join("")}
${
    PARTS.map((part) => section(part, outcomes.filter((one) => one.part === part)))
      .filter((text) => text !== "").join("\n")
  }`;
}

function section(part: keyof typeof TITLES, outcomes: readonly Outcome[]): string {
  if (outcomes.length === 0) return "";
  const kinds = [...new Set(outcomes.map(({ kind }) => kind))];
  const rows = kinds.map((kind) => row(kind, outcomes.filter((one) => one.kind === kind)));
  const lines = [
    ["fault", "times", ...VERDICTS],
    ["---", ...VERDICTS.map(() => "--:"), "--:"],
    ...rows,
    row("**all**", outcomes),
  ];
  const table = lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const details = outcomes.filter(({ verdict }) => verdict === "wrong" || verdict === "lost")
    .map(({ kind, detail = "" }) => `- ${kind}: ${detail.replaceAll(/\s+/g, " ")}\n`);
  return `## ${TITLES[part]}\n\n${table}\n${details.length > 0 ? `\n${details.join("")}` : ""}`;
}

function row(kind: string, outcomes: readonly Outcome[]): string[] {
  const counts = VERDICTS.map((verdict) =>
    outcomes.filter((one) => one.verdict === verdict).length
  );
  return [kind, String(outcomes.length), ...counts.map((n) => (n === 0 ? "" : String(n)))];
}
