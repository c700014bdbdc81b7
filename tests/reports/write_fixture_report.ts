import { writeReport } from "../../reports/write_report.ts";
import { figuresFixture } from "./figures_fixture.ts";
import { reportFixture } from "./report_fixture.ts";

/** Writes the fixture report into the folder given: run in a process of its own by the tests. */
const { figures: _, ...undrawn } = reportFixture();
await writeReport(undrawn, figuresFixture, Deno.args[0]);
