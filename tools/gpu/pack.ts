/**
 * Packs Ballast for a machine with a GPU and no network: Deno, the project's files, the packages that
 * training needs, and ONNX Runtime's CUDA provider, as parts that can each be carried by themselves.
 *
 *     deno run … tools/gpu/pack.ts --provider FOLDER --out FOLDER [--cache FOLDER] [--part-mib 56] [--level 6]
 *
 * There, with all parts' files in one folder: `python3 unpack.py PARTS FOLDER`, then
 * `FOLDER/deno run … bench/cuda/sitting.ts` in FOLDER/app. Large files are compressed in pieces, so
 * that they are in parallel, and once only, into the cache.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { printNotice, printResult } from "../../cli/output.ts";
import { PROJECT_FOLDER } from "../../cli/project.ts";
import { digestFile } from "../../core/digest.ts";
import { isFile } from "../../core/is_file.ts";
import { PROVIDER } from "../../train/runtime/cuda/cuda_installation.ts";
import { missingOfProvider } from "../cuda/missing_of_provider.ts";
import { archiveOf } from "./archive.ts";
import { divide, type Part, type Piece } from "./divide.ts";

const { values } = parseArgs({
  options: {
    provider: { type: "string" },
    out: { type: "string" },
    cache: { type: "string", default: join(tmpdir(), "ballast-pack") },
    level: { type: "string", default: "6" },
    "part-mib": { type: "string", default: "56" },
  },
});

/** A file as it will be there. */
interface Packed {
  readonly path: string;
  readonly source: string;
  readonly mode: number;
}

interface Manifest {
  readonly files: {
    readonly path: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly mode: number;
    /** Names of pieces, and where in the file each begins. */
    readonly pieces: (readonly [name: string, offset: number])[];
  }[];
}

/** Bytes of a file that one piece holds: an eighth of the provider. */
const PIECE = 28_722_555;

const { provider, out, cache } = values;
if (provider === undefined || out === undefined) refuse("Expected --provider and --out.");
const missing = await missingOfProvider(provider);
if (missing !== null) refuse(`--provider: ${missing}`);
await Deno.mkdir(cache, { recursive: true });
const archive = await archiveOf(PROJECT_FOLDER, cache);
const files: Packed[] = [
  { path: "deno", source: Deno.realPathSync(Deno.execPath()), mode: 0o755 },
  { path: "app.tar", source: archive, mode: 0o644 },
  ...Object.keys(PROVIDER.files).map((name) => ({
    path: join("provider", name),
    source: join(provider, name),
    mode: 0o755,
  })),
];
const manifest: Manifest = { files: [] };
const pieces: Piece[] = [];
for (const file of files) {
  const { size } = await Deno.stat(file.source);
  const { sha256 } = await digestFile(file.source);
  printNotice(`${file.path} …`);
  const made = await compress(file.source, { size, sha256 });
  pieces.push(...made);
  manifest.files.push({
    path: file.path,
    bytes: size,
    sha256,
    mode: file.mode,
    pieces: made.map(({ name }, i) => [name, i * PIECE]),
  });
}
await distribute();

/** Compresses a file in pieces, as many at once as there are cores; what the cache has is taken. */
async function compress(
  source: string,
  { size, sha256 }: { readonly size: number; readonly sha256: string },
): Promise<Piece[]> {
  const count = Math.max(1, Math.ceil(size / PIECE));
  const names = Array.from({ length: count }, (_, i) => `${sha256.slice(0, 16)}.${i}.xz`);
  const waiting = names.map((name, i) => ({ name, offset: i * PIECE }));
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const path = join(cache, next.name);
      if (await isFile(path)) continue;
      using file = await Deno.open(source);
      await file.seek(next.offset, Deno.SeekMode.Start);
      const bytes = new Uint8Array(Math.min(PIECE, size - next.offset));
      for (let read = 0; read < bytes.length;) read += (await file.read(bytes.subarray(read)))!;
      const child = new Deno.Command("xz", {
        args: [`-${values.level}`, "-c", "-T1"],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      const written = writer.write(bytes).then(() => writer.close());
      const { stdout } = await child.output();
      await written;
      await Deno.writeFile(`${path}.tmp`, stdout);
      await Deno.rename(`${path}.tmp`, path);
    }
  };
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, work));
  return names.map((name) => ({ name, bytes: Deno.statSync(join(cache, name)).size }));
}

/** Writes the pieces as parts. */
async function distribute(): Promise<void> {
  const parts = partsOf(pieces);
  await Deno.remove(out!, { recursive: true }).catch(() => {});
  for (const [i, { pieces, bytes }] of parts.entries()) {
    const folder = join(out!, `part${i + 1}`);
    await Deno.mkdir(folder, { recursive: true });
    for (const { name } of pieces) await Deno.copyFile(join(cache, name), join(folder, name));
    printResult(`part${i + 1}: ${(bytes / 2 ** 20).toFixed(1)} MiB`);
  }
  const last = join(out!, `part${parts.length}`);
  await Deno.writeTextFile(join(last, "manifest.json"), JSON.stringify(manifest));
  await Deno.copyFile(
    join(PROJECT_FOLDER, "tools", "gpu", "unpack.py"),
    join(last, "unpack.py"),
  );
}

function partsOf(pieces: readonly Piece[]): Part[] {
  try {
    return divide(pieces, Number(values["part-mib"]) * 2 ** 20);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    refuse(`--part-mib: ${error.message}`);
  }
}

function refuse(why: string): never {
  printNotice(why);
  Deno.exit(1);
}
