import { judgeItems } from "../../eval/judge/judge_items.ts";
import { writeJudged } from "../../eval/judge/judged_files.ts";
import { OpenAiEndpoint } from "../../eval/judge/endpoint.ts";
import { asking } from "../eval/judge/asking.ts";
import { pairItems, PAIRS } from "../eval/judge/judged_pairs.ts";

/** Judges 60 pairs in both orders at an address, and writes the table: `judge_child.ts FOLDER ADDRESS`. */
const [folder, baseUrl] = Deno.args;
const options = asking(folder, null, { pace: { attempts: 8 } });
const endpoint = new OpenAiEndpoint({ baseUrl, apiKey: null, timeout: 1000, now: Date.now });
const judged = await judgeItems(pairItems(60), PAIRS, { ...options, endpoint });
await Deno.mkdir(`${folder}/table`, { recursive: true });
await writeJudged(`${folder}/table`, judged);
