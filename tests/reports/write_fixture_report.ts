import { writeReport } from "../../reports/write_report.ts";
import { figuresFixture, otherFiguresFixture } from "./figures_fixture.ts";
import { reportFixture } from "./report_fixture.ts";
import { scoresFixture } from "./scores_fixture.ts";

/** Writes the fixture report into the folder given: run in a process of its own by the tests. */
const { figures: _, ...undrawn } = reportFixture();
await writeReport(
  { ...undrawn, scores: scoresFixture() },
  [...figuresFixture, ...otherFiguresFixture],
  Deno.args[0],
);
