import type { Metric, Results } from "../../core/results.ts";
import { unitLabel } from "../results_table.ts";
import { visibleText } from "../../core/visible_text.ts";

/** What a quantity along training is, for axes and sentences. */
export interface TrainingQuantity {
  readonly name: string;
  readonly label: string;
  /** The label with its unit. */
  readonly axis: string;
  readonly digits: number;
}

type Described = Pick<Metric, "label" | "unit" | "digits">;

/** What has no metric of the evaluations: the win rate on curves, and what training itself saw. */
const IN_TRAINING: Readonly<Record<string, Described>> = {
  winRate: { label: "Win rate over the reference", unit: "percent", digits: 1 },
  trainChosenLogp: { label: "Chosen log-prob", unit: "nats", digits: 1 },
  trainRejectedLogp: { label: "Rejected log-prob", unit: "nats", digits: 1 },
  trainMargin: { label: "Reward margin", unit: "β · nats", digits: 2 },
  trainAccuracy: { label: "Reward accuracy", unit: "percent", digits: 1 },
  trainLoss: { label: "Training loss", unit: "nats", digits: 3 },
  trainPreferenceShare: { label: "Preference loss's share", unit: "percent", digits: 1 },
  trainRegulariserShare: { label: "SFT loss's share", unit: "percent", digits: 1 },
};

/** A quantity by its name on curves, in the words of its metric where it has one. */
export function trainingQuantity({ metrics }: Results, name: string): TrainingQuantity {
  const own: Described | undefined = metrics[name] ?? IN_TRAINING[name];
  if (own === undefined) {
    return { name, label: visibleText(name), axis: visibleText(name), digits: 2 };
  }
  const label = visibleText(own.label);
  const unit = unitLabel({ ...own, better: null, describe: "" });
  return {
    name,
    label,
    axis: unit === null ? label : `${label} (${visibleText(unit)})`,
    digits: own.digits,
  };
}
