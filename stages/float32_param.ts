import { z } from "../core/zod.ts";

/** A number above 0 that still is one in float32, in which the optimiser computes. */
export const positiveFloat32 = z.number().refine(
  (value) => Number.isFinite(Math.fround(value)) && Math.fround(value) > 0,
  { error: "a number above 0 that float32 can hold (1.5e-45 … 3.4e38)" },
);
