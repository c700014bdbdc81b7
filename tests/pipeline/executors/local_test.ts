import { toyExecutor } from "../toy/pipeline.ts";
import { contract } from "./contract.ts";

for (const [name, check] of Object.entries(contract)) {
  Deno.test(`the local executor ${name}`, () => check(toyExecutor(2)));
}
