/** The one importer of the library that reads command lines; see `core/zod.ts` for why there is one. */
export { Command, CommanderError, InvalidArgumentError, Option } from "@commander-js/extra-typings";
