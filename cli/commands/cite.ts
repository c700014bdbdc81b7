import { visibleText } from "../../core/visible_text.ts";
import { citation } from "../../reports/citation.ts";
import { printJson, printResult } from "../output.ts";
import { readProvenance } from "../published.ts";
import { openStore } from "../session.ts";

/** Prints how to cite a run: the statement as comments, then BibTeX, so that the whole is a .bib file. */
export function cite(report: string, { store, json }: { store?: string; json: boolean }): void {
  const { statement, bibtex } = citation(readProvenance(openStore(store), report));
  if (json) return printJson({ statement, bibtex });
  const comment = statement.map((sentence) => `% ${visibleText(sentence)}`).join("\n");
  printResult(`${comment}\n\n${bibtex}`);
}
