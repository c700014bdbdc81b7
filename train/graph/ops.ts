/** Functions that build graphs, by kind. Each takes values (or numbers) and returns values. */
export * from "./ops/elementwise.ts";
export * from "./ops/reduce.ts";
export * from "./ops/shape.ts";
export * from "./ops/index.ts";
export * from "./ops/linear.ts";
export * from "./ops/transformer.ts";
