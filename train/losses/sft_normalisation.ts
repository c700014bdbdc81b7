/** How the SFT term is normalised. They are not interchangeable, so there is no default. */
export const SFT_NORMALISATIONS = ["sum", "sequence_mean", "token_mean"] as const;
export type SftNormalisation = typeof SFT_NORMALISATIONS[number];
