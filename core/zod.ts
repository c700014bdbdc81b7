/**
 * The one importer of zod. Deno looks through all of `node_modules` once for each module that imports a
 * package, some 4 ms each time, and sixty modules describe parameters or check what they read.
 */
export { z } from "zod";
export type { ZodType } from "zod";
