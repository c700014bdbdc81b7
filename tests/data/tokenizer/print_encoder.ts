/** Prints with which library a folder's tokenizer works, and the ids that it gives. */
import { loadTokenizer } from "../../../data/tokenizer/tokenizer.ts";

const tokenizer = await loadTokenizer(Deno.args[0], { native: true });
const [ids] = await tokenizer.encodeAll(["the cat</s> 世界"]);
const found = JSON.stringify({ encoder: tokenizer.encoder, ids: [...ids] });
await Deno.stdout.write(new TextEncoder().encode(`${found}\n`));
