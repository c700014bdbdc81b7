/** The recipe `tiny` with one seed and few of everything: each stage runs, none takes long. */
export const SMALL_TINY: readonly string[] = Object.entries({
  "matrix.seed": "[0]",
  "world.demonstrations": 2048,
  "world.trainPrompts": 48,
  "world.validationPrompts": 24,
  "world.testPrompts": 24,
  "reference.batchPairs": 32,
  "reference.warmupSteps": 5,
  "reference.checkpointSteps": 4,
  "collect.train.samplesPerPrompt": 8,
  "collect.heldOut.prompts": 16,
  "collect.heldOut.samplesPerPrompt": 6,
  "collect.heldOut.maxPairs": 24,
  "train.epochs": 1,
  "train.snapshots.every": 2,
  "train.checkpointSteps": 2,
}).flatMap(([path, value]) => ["--set", `${path}=${value}`]);
