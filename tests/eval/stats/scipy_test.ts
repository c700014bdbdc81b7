import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { agreement } from "../../../eval/stats/agreement.ts";
import { bootstrapInterval } from "../../../eval/stats/bootstrap.ts";
import { pairedDifference } from "../../../eval/stats/paired_difference.ts";
import { pairsNeeded } from "../../../eval/stats/power.ts";
import { clusteredError } from "../../../eval/stats/sample.ts";
import { studentTInterval } from "../../../eval/stats/student_t.ts";
import { hasModules, runPython } from "../../run_python.ts";

/** A Python with scipy and scikit-learn: BALLAST_PYTHON, else the first `python3`. */
const PYTHON = Deno.env.get("BALLAST_PYTHON") ?? "python3";
const present = await hasModules(PYTHON, "scipy", "sklearn");

/** Several values of each of so many items, values of one item alike. */
function clustered(random: Random, items: number) {
  const rows = Array.from({ length: items }, (_, i) => {
    const level = random.normal();
    const times = 1 + Math.floor(3 * random.uniform());
    return Array.from({ length: times }, () => ({
      item: `p${i}`,
      value: level + 0.5 * random.normal(),
    }));
  }).flat();
  return { items: rows.map(({ item }) => item), values: rows.map(({ value }) => value) };
}

function makeCase(seed: number) {
  const random = Random.seeded(seed, "scipy");
  const label = () => random.pick(["a", "b", "tie"]);
  const labels = Array.from({ length: 50 }, () => {
    const first = label();
    return [first, random.uniform() < 0.5 ? first : label()];
  });
  return {
    seed,
    sample: clustered(random, 80),
    few: clustered(random, 9),
    power: {
      difference: 0.5 + random.uniform(),
      deviation: 1 + 20 * random.uniform(),
      alpha: random.pick([0.01, 0.05, 0.1]),
      power: random.pick([0.8, 0.9, 0.95]),
    },
    labels: [labels.map(([one]) => one), labels.map(([, other]) => other)],
  };
}

interface Figures {
  readonly bootstrap: { readonly interval: readonly [number, number]; readonly error: number };
  readonly permutation: number;
  readonly deviation: number;
  readonly tInterval: readonly [number, number];
  readonly pairsNeeded: number;
  readonly kappa: number;
}

Deno.test({
  name: "statistics on random samples are scipy's and scikit-learn's" +
    (present ? "" : " (needs scipy and scikit-learn; BALLAST_PYTHON names their Python)"),
  ignore: !present,
  fn: async () => {
    const cases = Array.from({ length: 12 }, (_, seed) => makeCase(seed));
    const script = new URL("scipy_figures.py", import.meta.url);
    const theirs = JSON.parse(await runPython(PYTHON, script, cases)) as Figures[];
    cases.forEach(({ seed, sample, few, power, labels: [a, b] }, i) => {
      const expected = theirs[i];
      const near = (found: number, value: number, tolerance: number, what: string) =>
        assert.ok(Math.abs(found - value) <= tolerance, `case ${i}, ${what}: ${found} ≠ ${value}`);
      // Both draw: ends of 40,000 draws wander by some hundredths of the error.
      const { error, interval } = expected.bootstrap;
      bootstrapInterval(sample, { seed, resamples: 40_000 }).forEach((end, side) =>
        near(end, interval[side], 0.08 * error, "bootstrap")
      );
      near(clusteredError(sample), error, 0.03 * error, "clustered error");
      const values = new Map(few.values.map((value, j) => [`${few.items[j]}:${j}`, value]));
      const compared = pairedDifference(
        values,
        new Map([...values.keys()].map((key) => [key, 0])),
        { seed, resamples: 100, clusterOf: (key) => key.split(":")[0] },
      )!;
      near(compared.pValue, expected.permutation, 1e-12, "permutation");
      near(compared.deviation!, expected.deviation, 1e-12, "deviation");
      studentTInterval(sample.values).forEach((end, side) =>
        near(end, expected.tInterval[side], 1e-9, "t")
      );
      assert.equal(pairsNeeded(power.difference, power), expected.pairsNeeded);
      near(agreement(a, b).kappa!, expected.kappa, 1e-12, "kappa");
    });
  },
});
