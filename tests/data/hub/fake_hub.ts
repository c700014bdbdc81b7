import { createHash } from "node:crypto";

/** A repository that the fake hub holds. */
export interface FakeRepository {
  readonly commit: string;
  /** Branches and tags that lead to the commit. */
  readonly revisions: readonly string[];
  readonly files: Readonly<Record<string, FakeFile>>;
  /** The token without which it is refused. */
  readonly token?: string;
}

/** One file of it. */
export interface FakeFile {
  readonly content: Uint8Array<ArrayBuffer>;
  /** Large files are served by the second host, as the hub's storage does. */
  readonly large?: boolean;
  /** What the listing claims instead of the content's digest. */
  readonly digest?: string;
  /** Listed, but not there. */
  readonly absent?: boolean;
}

/** A request as a host saw it. */
export interface SeenRequest {
  readonly host: "hub" | "storage";
  readonly path: string;
  readonly range: string | null;
  readonly authorization: string | null;
  /** Bytes of the body that were handed out. */
  sent: number;
}

/** What the next answers of a host are instead of the right ones, in order. */
export type Mishap =
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: string }
  | { readonly kind: "cut"; readonly after: number }
  /** The whole body packed as gzip, though it is not asked for. */
  | { readonly kind: "packed" }
  /** Nothing more after so many bytes of the body, and no end; without `after` no answer at all. */
  | { readonly kind: "stall"; readonly after?: number };

/** Two servers on this machine that speak the hub's protocol: the hub, and where it keeps large files. */
export class FakeHub implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  /** Taken one at a time by requests for contents. */
  readonly mishaps: Mishap[] = [];
  /** Answers ranges; off, every answer is whole. */
  ranges = true;
  /** Large files are described as Xet files when asked so, as the hub does today. */
  xet = false;
  /** Listings name one file a page. */
  pages = false;
  /** Every answer of the API is packed as gzip, though none is asked for. */
  packsAnswers = false;
  #hub: Deno.HttpServer<Deno.NetAddr>;
  #storage: Deno.HttpServer<Deno.NetAddr>;

  #repositories: Map<string, FakeRepository>;

  /** @param repositories by `models/OWNER/NAME` or `datasets/OWNER/NAME` */
  constructor(repositories: Readonly<Record<string, FakeRepository>>) {
    this.#repositories = new Map(Object.entries(repositories));
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#hub = Deno.serve(options, (request) => this.#answer(request));
    this.#storage = Deno.serve(options, (request) => this.#store(request));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#hub.addr.port}`;
  }

  /** The storage's host and port. */
  get storageHost(): string {
    return `127.0.0.1:${this.#storage.addr.port}`;
  }

  /** Holds a repository from now on, instead of the one of that name. */
  hold(name: string, repository: FakeRepository): void {
    this.#repositories.set(name, repository);
  }

  /** Bytes of bodies that a path's requests were sent. */
  sentOf(path: string): number[] {
    return this.seen.filter((request) =>
      request.path.endsWith(path) && request.range !== "bytes=0-0"
    )
      .map(({ sent }) => sent);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#hub.shutdown(), this.#storage.shutdown()]);
  }

  #note(host: SeenRequest["host"], request: Request): SeenRequest {
    const seen = {
      host,
      path: new URL(request.url).pathname,
      range: request.headers.get("Range"),
      authorization: request.headers.get("Authorization"),
      sent: 0,
    };
    this.seen.push(seen);
    return seen;
  }

  async #answer(request: Request): Promise<Response> {
    const answer = await this.#answerPlainly(request);
    const isApi = new URL(request.url).pathname.startsWith("/api/");
    return this.packsAnswers && isApi ? packed(answer) : answer;
  }

  async #answerPlainly(request: Request): Promise<Response> {
    const seen = this.#note("hub", request);
    const { pathname } = new URL(request.url);
    const api = /^\/api\/(dataset|model)s\/(.+?)\/(revision|tree)\/([^/]+)$/.exec(pathname);
    const resolve = /^\/(datasets\/)?(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(pathname);
    const [kind, name, revision] = api !== null
      ? [api[1], api[2], api[4]]
      : [resolve?.[1] ? "dataset" : "model", resolve?.[2], resolve?.[3]];
    const repository = this.#repositories.get(`${kind}s/${name}`);
    if (repository === undefined) return refuse(404, "RepoNotFound", "Repository not found");
    if (repository.token && seen.authorization !== `Bearer ${repository.token}`) {
      return refuse(401, "GatedRepo", "Invalid credentials in Authorization header");
    }
    const known = [repository.commit, ...repository.revisions];
    if (!known.includes(decodeURIComponent(revision!))) {
      return refuse(404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    }
    if (api?.[3] === "revision") {
      const [next] = this.mishaps;
      const before = next?.kind === "status" ||
        (next?.kind === "stall" && next.after === undefined);
      const instead = before ? await insteadOfAnswer(this.mishaps.shift(), request) : null;
      if (instead !== null) return instead;
      return Response.json({ _id: "1", id: name, sha: repository.commit, private: false });
    }
    if (api !== null) return this.#list(request, listing(repository));
    return this.#resolve(request, seen, { repository, path: decodeURIComponent(resolve![4]) });
  }

  /** All files, or one and where the next one is listed. */
  #list(request: Request, files: ReturnType<typeof listing>): Response {
    if (!this.pages) return Response.json(files);
    const url = new URL(request.url);
    const page = Number(url.searchParams.get("cursor"));
    url.searchParams.set("cursor", String(page + 1));
    const headers = page + 1 < files.length ? { Link: `<${url}>; rel="next"` } : undefined;
    return Response.json(files.slice(page, page + 1), { headers });
  }

  #resolve(
    request: Request,
    seen: SeenRequest,
    { repository, path }: { repository: FakeRepository; path: string },
  ): Response | Promise<Response> {
    const file = repository.files[path];
    if (file === undefined || file.absent) return refuse(404, "EntryNotFound", "Entry not found");
    const etag = `"${digestOf(file)}"`;
    const headers = new Headers({ "X-Repo-Commit": repository.commit });
    if (!file.large) {
      headers.set("ETag", etag);
      return this.#serve(request, seen, { file, headers });
    }
    headers.set("X-Linked-ETag", etag);
    headers.set("X-Linked-Size", String(file.content.length));
    if (this.xet && request.headers.get("Accept")?.includes("xet-fileinfo")) {
      headers.set("Content-Type", "application/vnd.xet-fileinfo+json");
      headers.set("X-Xet-Hash", "0".repeat(64));
      headers.set(
        "Link",
        `<${this.endpoint}/xet>; rel="xet-auth", <${this.endpoint}/x>; rel="xet-reconstruction-info"`,
      );
      return new Response("{}", { headers });
    }
    headers.set("Location", `http://${this.storageHost}/${digestOf(file)}?signature=secret`);
    return new Response(null, { status: 302, headers });
  }

  #store(request: Request): Response | Promise<Response> {
    const seen = this.#note("storage", request);
    const digest = new URL(request.url).pathname.slice(1);
    const file = [...this.#repositories.values()].flatMap(({ files }) => Object.values(files))
      .find((file) => digestOf(file) === digest);
    if (file === undefined) return new Response(null, { status: 404 });
    return this.#serve(request, seen, { file, headers: new Headers({ ETag: '"storage-1"' }) });
  }

  async #serve(
    request: Request,
    seen: SeenRequest,
    { file, headers }: { file: FakeFile; headers: Headers },
  ): Promise<Response> {
    const probe = seen.range === "bytes=0-0";
    const mishap = probe ? undefined : this.mishaps.shift();
    const instead = await insteadOfAnswer(mishap, request);
    if (instead !== null) return instead;
    const { content } = file;
    if (mishap?.kind === "packed") {
      return packed(new Response(content, { status: seen.range === null ? 200 : 206, headers }));
    }
    const asked = this.ranges
      ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("Range") ?? "")
      : null;
    const from = asked === null ? 0 : Number(asked[1]);
    const to = asked?.[2] ? Number(asked[2]) + 1 : content.length;
    const body = content.subarray(from, to);
    if (asked !== null) headers.set("Content-Range", `bytes ${from}-${to - 1}/${content.length}`);
    headers.set("Content-Length", String(body.length));
    const status = asked === null ? 200 : 206;
    return new Response(stream(body, { seen, mishap, request }), { status, headers });
  }
}

/** A mishap that leaves no right answer; null when there is one to be begun. */
async function insteadOfAnswer(
  mishap: Mishap | undefined,
  request: Request,
): Promise<Response | null> {
  if (mishap?.kind === "status") return busy(mishap);
  if (mishap?.kind !== "stall" || mishap.after !== undefined) return null;
  await givenUp(request);
  return new Response(null, { status: 500 });
}

/** An answer whose body is packed. */
function packed(answer: Response): Response {
  const headers = new Headers(answer.headers);
  headers.set("Content-Encoding", "gzip");
  headers.delete("Content-Length");
  const body = answer.body?.pipeThrough(new CompressionStream("gzip"));
  return new Response(body, { status: answer.status, headers });
}

/** When the other side has ended the connection. */
function givenUp({ signal }: Request): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

/** A body in blocks, cut by an error or followed by silence after so many bytes. */
function stream(
  body: Uint8Array<ArrayBuffer>,
  { seen, mishap, request }: {
    readonly seen: SeenRequest;
    readonly mishap: Mishap | undefined;
    readonly request: Request;
  },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const after = mishap !== undefined && "after" in mishap ? mishap.after ?? Infinity : Infinity;
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      const end = Math.min(at + 4096, body.length, after);
      if (end > at) {
        controller.enqueue(body.slice(at, end));
        seen.sent += end - at;
        at = end;
      }
      if (at >= after) {
        if (mishap?.kind === "stall") await givenUp(request);
        else await new Promise((resolve) => setTimeout(resolve, 50)); // what was sent arrives first
        controller.error(new Error("cut"));
      } else if (at >= body.length) controller.close();
    },
  }, { highWaterMark: 0 });
}

function refuse(status: number, code: string, error: string): Response {
  return Response.json({ error }, { status, headers: { "X-Error-Code": code } });
}

function busy({ status, retryAfter }: { status: number; retryAfter?: string }): Response {
  return new Response("busy", { status, headers: retryAfter ? { "Retry-After": retryAfter } : {} });
}

function listing({ files }: FakeRepository) {
  return Object.entries(files).map(([path, file]) => ({
    type: "file",
    path,
    size: file.content.length,
    oid: file.large ? "0".repeat(40) : digestOf(file),
    lfs: file.large
      ? { oid: digestOf(file), size: file.content.length, pointerSize: 134 }
      : undefined,
  }));
}

function digestOf({ content, large, digest }: FakeFile): string {
  if (digest !== undefined) return digest;
  if (large) return createHash("sha256").update(content).digest("hex");
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
