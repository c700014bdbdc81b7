import { ExpectedError, formatProblems, InputError } from "../../core/problem.ts";

/** What is wrong with a request, as OpenAI's API says it. */
export interface ApiErrorDetails {
  readonly status: number;
  /** The field at fault; null for none. */
  readonly param?: string | null;
  /** A name of the fault for programs, such as `context_length_exceeded`. */
  readonly code?: string | null;
}

/** A request that is answered by an error. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;

  constructor(message: string, { status, param = null, code = null }: ApiErrorDetails) {
    super(message);
    this.status = status;
    this.param = param;
    this.code = code;
  }
}

/** The body of an answer that says an error. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/**
 * Any failure as what a client may see of it: what is wrong with its request, or that the fault is the
 * server's, without its inner parts.
 */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof InputError) {
    const [{ path }] = error.problems;
    return new ApiError(formatProblems(error.problems), { status: 400, param: path });
  }
  if (error instanceof ExpectedError) return new ApiError(error.message, { status: 500 });
  return new ApiError("The server failed; its log says how.", { status: 500 });
}

/** OpenAI's form of an error. */
export function errorBody({ message, status, param, code }: ApiError): ErrorBody {
  const type = status === 429
    ? "rate_limit_error"
    : status >= 500
    ? "server_error"
    : "invalid_request_error";
  return { error: { message, type, param, code } };
}
