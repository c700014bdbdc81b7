import { loadModel } from "../../train/models/model.ts";

// Loads one model and prints how long that took and the most memory that the process ever held.
const begin = performance.now();
const { weights } = await loadModel(Deno.args[0]);
const seconds = (performance.now() - begin) / 1000;
const bytes = [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
const [, peak] = /VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))!;
console.log(JSON.stringify({ seconds, bytes, peak: 1024 * Number(peak) }));
