import {
  AbortMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { ExpectedError } from "../../core/problem.ts";
import { limitedText } from "./limited_text.ts";
import type { ObjectTarget } from "./object_source.ts";
import { makePatient } from "./patient_handler.ts";
import { piecesInTime, SilenceError, SILENT_MS } from "./silence.ts";

/** Where a bucket is, and who asks. */
export interface S3Settings {
  readonly bucket: string;
  /** Before each path; without slashes at its ends, empty for none. */
  readonly prefix: string;
  readonly region: string;
  /** Address of the service. */
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** How long it may be silent, in milliseconds. */
  readonly silentMs?: number;
}

/** Objects and key records in a bucket of an S3-compatible service. */
export class S3Target implements ObjectTarget {
  readonly name: string;
  readonly #client: S3Client;

  constructor(private readonly settings: S3Settings) {
    const { bucket, prefix, region, endpoint, accessKeyId, secretAccessKey, sessionToken } =
      settings;
    this.name = `s3://${[bucket, prefix].filter((part) => part !== "").join("/")}`;
    // All is said here, so that no file of settings is looked for.
    this.#client = new S3Client({
      region,
      endpoint,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
      maxAttempts: 4,
      retryMode: "standard",
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      useArnRegion: false,
      useDualstackEndpoint: false,
      useFipsEndpoint: false,
      defaultsMode: "standard",
      sigv4aSigningRegionSet: [],
      userAgentAppId: "ballast",
      defaultUserAgentProvider: () => Promise.resolve([["ballast", "0"]]),
      disableS3ExpressSessionAuth: true,
      disableMultiregionAccessPoints: true,
    });
    makePatient(this.#client, settings.silentMs ?? SILENT_MS);
  }

  async readText(path: string, limit: number): Promise<string | null> {
    const opened = await this.open(path, 0);
    return opened === null ? null : await limitedText(opened.bytes, limit, `${this.name}/${path}`);
  }

  async open(path: string, offset: number) {
    const range = offset === 0 ? {} : { Range: `bytes=${offset}-` };
    const request = new AbortController();
    const { silentMs = SILENT_MS } = this.settings;
    const patience = { what: `${this.name}/${path}`, silentMs, giveUp: () => request.abort() };
    try {
      const command = new GetObjectCommand({ ...this.#place(path), ...range });
      const answer = await this.#client.send(command, { abortSignal: request.signal });
      const { Body, ContentRange } = answer;
      if (Body === undefined) return null;
      const bytes = piecesInTime(Body.transformToWebStream(), patience);
      return { offset: ContentRange?.startsWith(`bytes ${offset}-`) ? offset : 0, bytes };
    } catch (error) {
      if (nameOf(error) === "NoSuchKey" || statusOf(error) === 404) return null;
      throw this.#explained(error, path);
    }
  }

  async writeText(path: string, text: string): Promise<void> {
    await this.#put(path, new TextEncoder().encode(text));
  }

  /** A large file goes in parts, which the service puts together once it has them all. */
  async writeFile(path: string, file: string, size: number): Promise<void> {
    if (size <= WHOLE) return await this.#put(path, await Deno.readFile(file));
    const [{ Upload }, { createReadStream }] = await Promise.all([
      import("@aws-sdk/lib-storage"),
      import("node:fs"),
    ]);
    const upload = new Upload({
      client: this.#client,
      params: { ...this.#place(path), Body: createReadStream(file) },
      partSize: partSize(size),
      queueSize: 2,
      leavePartsOnError: true, // they are removed below, so that a failure of that hides no other
    });
    const sent = upload.done().catch(async (error) => {
      await this.#giveUp(path, upload.uploadId);
      throw error;
    });
    await this.#explaining(path, sent);
  }

  /** Lets the service forget the parts that it has. */
  async #giveUp(path: string, UploadId: string | undefined): Promise<void> {
    if (UploadId === undefined) return;
    const command = new AbortMultipartUploadCommand({ ...this.#place(path), UploadId });
    await this.#client.send(command).catch(() => {});
  }

  async #put(path: string, body: Uint8Array): Promise<void> {
    const command = new PutObjectCommand({ ...this.#place(path), Body: body });
    await this.#explaining(path, this.#client.send(command));
  }

  async #explaining(path: string, sent: Promise<unknown>): Promise<void> {
    try {
      await sent;
    } catch (error) {
      throw this.#explained(error, path);
    }
  }

  #place(path: string): { Bucket: string; Key: string } {
    const { bucket, prefix } = this.settings;
    return { Bucket: bucket, Key: prefix === "" ? path : `${prefix}/${path}` };
  }

  /** The service's own word alone: the rest of its errors may repeat what was sent. */
  #explained(error: unknown, path: string): unknown {
    if (error instanceof Deno.errors.NotCapable || error instanceof SilenceError) return error;
    const status = statusOf(error);
    const said = status === undefined ? nameOf(error) : `${nameOf(error)}, ${status}`;
    return new ExpectedError(`${this.name}/${path} cannot be reached: ${said}.`);
  }
}

/** Larger files are sent in parts. */
const WHOLE = 16 * 2 ** 20;

/** Services put together no more parts than these. */
const MOST_PARTS = 10_000;

/**
 * Bytes of each part of a file: 16 MiB, more where it would have too many parts. Two are in memory at once.
 */
export function partSize(size: number): number {
  return Math.max(WHOLE, Math.ceil(size / MOST_PARTS));
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}

function statusOf(error: unknown): number | undefined {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return $metadata?.httpStatusCode;
}
