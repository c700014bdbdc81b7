import type { AnswerRequest } from "./answer_prompts.ts";
import { ApiError } from "./api_error.ts";
import { RequestFields } from "./request_fields.ts";
import { positionsOf, type ServedModel } from "./served_model.ts";

/** Most answers a prompt, as OpenAI has it. */
const MOST_SAMPLES = 128;

/** Most stop texts. */
const MOST_STOPS = 64;

/** Most likeliest tokens that are told. */
export const MOST_TOP = 20;

/** A request in one of OpenAI's forms, understood. */
export interface ApiRequest {
  readonly answer: AnswerRequest;
  /** What was drawn from, where tokens are drawn; told to the client, who may not have given it. */
  readonly seed: number | null;
  /** Whether parts are sent as they come. */
  readonly stream: boolean;
  /** Whether a stream ends with how many tokens were read and written. */
  readonly streamsUsage: boolean;
}

/** Where requests are read for. */
export interface RequestContext {
  readonly model: ServedModel;
  /** A seed for a request without one. */
  readonly drawSeed: () => number;
}

/** What both forms of request have in common, but for prompts and log-probabilities. */
export type CommonRequest =
  & Omit<ApiRequest, "answer">
  & Pick<AnswerRequest, "decoding" | "samples" | "stop">;

/** Reads the fields that both forms have. */
export function readCommon(
  fields: RequestFields,
  { model, drawSeed }: RequestContext,
): CommonRequest {
  requireModel(fields, model);
  const temperature = fields.number("temperature", { least: 0, most: 2 }, 1);
  const topP = fields.number("top_p", { above: 0, most: 1 }, 1);
  const samples = fields.number("n", { least: 1, most: MOST_SAMPLES, integer: true }, 1);
  const given = fields.number("seed", { integer: true }, null);
  const seed = temperature === 0 ? null : given ?? drawSeed();
  const decoding = seed === null
    ? "greedy"
    : { temperature, topP, seed, stream: "generate" } as const;
  const stream = fields.flag("stream");
  const none = (value: unknown) => value === 0;
  fields.neutral("frequency_penalty", "0", none);
  fields.neutral("presence_penalty", "0", none);
  fields.neutral("logit_bias", "no bias", isEmpty);
  fields.ignore("user", "metadata", "store", "service_tier", "safety_identifier");
  return { decoding, samples, stop: readStop(fields), seed, stream, ...readStreamOptions(fields) };
}

/**
 * Refuses a request that is for another model.
 *
 * @throws ApiError
 */
function requireModel(fields: RequestFields, { name }: ServedModel): void {
  const asked = fields.text("model");
  if (asked === name || fields.problems.length > 0) return;
  throw new ApiError(`model: Expected "${name}", which is served here, but found "${asked}".`, {
    status: 404,
    param: "model",
    code: "model_not_found",
  });
}

function readStop(fields: RequestFields): readonly string[] {
  const value = fields.value("stop") ?? [];
  const stops = Array.isArray(value) ? value : [value];
  const fit = stops.length <= MOST_STOPS &&
    stops.every((stop) => typeof stop === "string" && stop !== "");
  if (fit) return stops;
  fields.refuse("stop", `a text or a list of up to ${MOST_STOPS} texts, none empty,`);
  return [];
}

function readStreamOptions(fields: RequestFields): Pick<ApiRequest, "streamsUsage"> {
  const options = fields.value("stream_options");
  if (options === null) return { streamsUsage: false };
  const inner = new RequestFields(options);
  const streamsUsage = inner.flag("include_usage");
  inner.ignore("include_obfuscation");
  inner.finish();
  return { streamsUsage };
}

/** Whether a list or record holds nothing. */
export function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/**
 * How many new tokens an answer may have: what was asked for, else what is usual; it must fit the
 * server's limit and the model's positions beside the longest prompt.
 *
 * @param usual null for as many as there is room for
 */
export function readMaxTokens(
  fields: RequestFields,
  { names, least, usual }: {
    /** Names of the field, the newer one first. */
    readonly names: readonly string[];
    readonly least: number;
    readonly usual: number | null;
  },
  model: ServedModel,
): (prompts: AnswerRequest["prompts"]) => number {
  const range = { least, integer: true, ...model.maxTokens !== null && { most: model.maxTokens } };
  const given = names.map((name) => fields.number(name, range, null));
  const asked = given.find((number) => number !== null) ?? null;
  const [name] = asked === null ? names : [names[given.indexOf(asked)]];
  return (prompts) => {
    const longest = prompts.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
    const room = positionsOf(model) - longest;
    const most = Math.min(room, model.maxTokens ?? Infinity);
    const wanted = asked ?? Math.min(usual ?? most, most);
    if (wanted <= room && wanted >= least) return wanted;
    throw new ApiError(
      `${name}: Expected a prompt and new tokens that fit the model's ${positionsOf(model)} ` +
        `positions but found ${longest} and ${wanted}.`,
      { status: 400, param: name, code: "context_length_exceeded" },
    );
  };
}
