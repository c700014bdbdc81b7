import { writeReport } from "../../reports/write_report.ts";
import { figuresFixture, otherFiguresFixture } from "./figures_fixture.ts";
import { reconciliationFixture, scoredFixture } from "./reconcile_fixture.ts";
import { reportFixture } from "./report_fixture.ts";
import { scoresFixture, sweepFixture } from "./scores_fixture.ts";

/**
 * Writes the fixture report into the folder given, with verdicts on printed numbers where `verdicts` is
 * given as well: run in a process of its own by the tests.
 */
const { figures: _, ...undrawn } = reportFixture();
const [folder, verdicts] = Deno.args;
if (verdicts === undefined) {
  const figures = [...figuresFixture, ...otherFiguresFixture];
  await writeReport({ ...undrawn, scores: [...scoresFixture(), sweepFixture()] }, figures, folder);
} else {
  const more = {
    scores: scoredFixture(),
    reconciliations: [reconciliationFixture()],
    paperTables: ["2", "4"] as const,
  };
  await writeReport({ ...undrawn, ...more }, figuresFixture, folder);
}
