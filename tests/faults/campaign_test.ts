import assert from "node:assert/strict";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { runCampaign } from "./campaign/campaign.ts";
import { isClean, type Outcome, PARTS } from "./campaign/outcome.ts";
import { unsyncedIn } from "./campaign/power_loss.ts";
import { formatCampaign } from "./campaign/table.ts";

Deno.test("a short campaign of faults leaves nothing wrong and nothing lost", async () => {
  await using scratch = await ScratchFolder.make();
  const outcomes: Outcome[] = [];
  const skipped = await runCampaign({
    folder: scratch.path,
    seed: 2,
    kills: { tiny: 0, judged: 3 },
    short: true,
    parts: PARTS,
  }, (outcome) => outcomes.push(outcome));
  const text = formatCampaign(outcomes, { how: "deno task test:faults", skipped, through: true });
  assert(isClean(outcomes), text);
  assert(outcomes.length >= 35, text);
});

Deno.test("formatCampaign() counts kinds and verdicts, and tells what is to mend", () => {
  const kind = "kill -9 in `train`";
  const outcomes: Outcome[] = [
    { part: "kill", kind, verdict: "healed" },
    { part: "kill", kind, verdict: "lost", detail: "world ran\nagain" },
    { part: "disk", kind: "full", verdict: "told" },
  ];
  const text = formatCampaign(outcomes, {
    how: "x",
    skipped: ["clocks: none here."],
    through: false,
  });
  assert(
    text.includes("2 kills and 1 other faults: 0 wrong results,\n1 finished stages lost."),
    text,
  );
  assert(text.includes("**There is something to mend.** The campaign is not through."));
  assert(text.includes(`| ${kind} | 2 |  | 1 |  |  | 1 |`), text);
  assert(text.includes(`- ${kind}: world ran again`));
  assert(text.includes("- Not done: clocks: none here."));
});

Deno.test("unsyncedIn() knows what a power cut may take: bytes and names without a sync after them", () => {
  const trace = `7 openat(AT_FDCWD</>, "/s/tmp/a", O_WRONLY|O_CREAT, 0600) = 5</s/tmp/a>
7 write(5</s/tmp/a>, ""..., 9) = 9
8 openat(AT_FDCWD</>, "/s/runs/1", O_WRONLY|O_CREAT|O_APPEND <unfinished ...>
7 fsync(5</s/tmp/a>) = 0
8 <... openat resumed>, 0666) = 6</s/runs/1>
7 rename("/s/tmp/a", "/s/keys/a") = 0
7 rename("/s/tmp/gone", "/s/keys/b") = -1 ENOENT (No such file or directory)
7 write(9</elsewhere>, ""..., 9) = 9
7 mkdir("/s/objects/3f", 0777) = 0
7 mkdirat(AT_FDCWD</>, "/s/keys", 0777) = -1 EEXIST (File exists)
`;
  assert.deepEqual(unsyncedIn(trace, "/s"), {
    files: ["/s/runs/1"],
    names: ["/s/keys/a", "/s/objects/3f", "/s/runs/1"],
  });
  const synced =
    `${trace}7 fsync(7</s/keys>) = 0\n7 fsync(7</s/objects>) = 0\n8 fdatasync(6</s/runs/1>) = 0\n`;
  assert.deepEqual(unsyncedIn(synced, "/s"), { files: [], names: ["/s/runs/1"] });
});
