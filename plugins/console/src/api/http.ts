// http - requests to the server: language, CSRF, errors in one shape, patience where it says so.
// SPDX-License-Identifier: MIT

export interface FieldComplaint {
  code: string;
  message: string;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: Record<string, FieldComplaint[]> = {},
    readonly trace = "",
    readonly wait = 0, // seconds until it may be tried again, where the server says
  ) {
    super(message);
  }
}

interface State {
  csrf: string;
  lang: string;
  preview: string; // in whose place is looked: "sales", "sales@<user>"
  /** The session has ended; true where there is another one, and the request may be made again. */
  onSignedOut: () => Promise<boolean>;
  onOffline: (offline: boolean) => void;
  texts: { offline: string; failed: string };
}

export const http: State = {
  csrf: "",
  lang: "zh-CN",
  preview: "",
  onSignedOut: () => Promise.resolve(false),
  onOffline: () => undefined,
  texts: { offline: "", failed: "" },
};

export interface Options {
  body?: unknown;
  form?: FormData;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** An answer of 401 is the caller's to deal with (signing in). */
  anonymous?: boolean;
  /** A POST that only asks. */
  reads?: boolean;
  /** What it answers is told once, and never again under a key. */
  secret?: boolean;
}

export interface Answer<T> {
  status: number;
  headers: Headers;
  data: T;
}

const TRIES = 4;
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

/* --- writes of which nobody knows whether they have happened --- */

const UNSURE_MS = 600_000; // later on the same is meant anew
const UNSURE = 50;
const unsure = new Map<string, { key: string; at: number }>();

const nameOf = (method: string, path: string, options: Options) =>
  [method, path, JSON.stringify([options.headers, options.body])].join(" ");

/** The key under which the same was sent before and got no answer: it shall happen once. */
function unsureKey(name: string): string | undefined {
  const before = unsure.get(name);
  return before && Date.now() - before.at < UNSURE_MS ? before.key : undefined;
}

function remember(name: string, key: string): void {
  unsure.delete(name);
  unsure.set(name, { key, at: Date.now() });
  if (unsure.size > UNSURE) unsure.delete(unsure.keys().next().value!);
}

export function newKey(): string {
  return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
}

function prepare(method: string, options: Options): RequestInit {
  const headers: Record<string, string> = { "Accept-Language": http.lang, ...options.headers };
  if (method !== "GET" && http.csrf) headers["X-CSRF-Token"] = http.csrf;
  if (http.preview) headers["X-Perigee-Preview"] = http.preview;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  const body = options.form ?? (options.body === undefined ? null : JSON.stringify(options.body));
  return { method, headers, body, signal: options.signal ?? null, credentials: "same-origin" };
}

async function fail(response: Response): Promise<never> {
  let error: Record<string, unknown> = {};
  try {
    error = ((await response.json()) as { error?: Record<string, unknown> }).error ?? {};
  } catch {
    // what stands between us and the server may answer with anything
  }
  throw new ApiError(
    response.status,
    String(error.code ?? "error"),
    String(error.message ?? http.texts.failed),
    error.fields as Record<string, FieldComplaint[]>,
    String(error.trace ?? ""),
    Number(response.headers.get("Retry-After")) || 0,
  );
}

async function once(method: string, path: string, options: Options): Promise<Response> {
  try {
    const response = await fetch(`/api/v1${path}`, prepare(method, options));
    http.onOffline(false);
    return response;
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    http.onOffline(true);
    throw new ApiError(0, "offline", http.texts.offline);
  }
}

async function patient(method: string, path: string, options: Options): Promise<Response> {
  let response = await once(method, path, options);
  for (let tried = 1; response.status === 503 && tried < TRIES; tried++) {
    await sleep(Math.min(Number(response.headers.get("Retry-After") ?? 1), 5) * 1000);
    response = await once(method, path, options);
  }
  return response;
}

/** What must not happen twice, or be taken for somebody else's change the second time. */
function isOnce(method: string, options: Options): boolean {
  if (options.anonymous || options.reads || options.secret) return false;
  return ["POST", "PATCH"].includes(method) || Boolean(options.headers?.["If-None-Match"]);
}

/**
 * 503 is tried again as it says; writes carry a key, so that none happens twice, and the same one
 * that is tried again because no answer came carries the same key. Where the session has ended the
 * person signs in again, and the request goes on with what was typed.
 */
export async function request<T>(method: string, path: string, options: Options = {}) {
  const name = nameOf(method, path, options);
  const isKeyed = isOnce(method, options);
  const isKept = (isKeyed && !options.form) || method === "DELETE"; // a file is no name
  if (isKeyed) {
    const own = { "Idempotency-Key": (isKept && unsureKey(name)) || newKey() };
    options = { ...options, headers: { ...own, ...options.headers } };
  }
  const key = options.headers?.["Idempotency-Key"] ?? "";
  let response: Response;
  try {
    response = await patient(method, path, options);
    if (response.status === 401 && !options.anonymous && (await http.onSignedOut())) {
      response = await patient(method, path, options);
    }
  } catch (cause) {
    if (isKept) remember(name, key);
    throw cause;
  }
  const wasUnsure = unsure.has(name);
  if (isKept && response.status >= 500) remember(name, key);
  else if (response.status !== 401) unsure.delete(name); // nobody was let in
  // what was to go has gone: only its answer was lost
  const isGone = method === "DELETE" && response.status === 404 && wasUnsure;
  if (!response.ok && !isGone) return fail(response);
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const hasData = response.status !== 204 && isJson && !isGone;
  const data = (hasData ? await response.json() : null) as T;
  return { status: response.status, headers: response.headers, data } satisfies Answer<T>;
}

export const get = async <T>(path: string, options?: Options) =>
  (await request<T>("GET", path, options)).data;
export const post = async <T>(path: string, body: unknown = {}, options?: Options) =>
  (await request<T>("POST", path, { ...options, body })).data;
export const patch = async <T>(path: string, body: unknown, options?: Options) =>
  (await request<T>("PATCH", path, { ...options, body })).data;
export const put = async <T>(path: string, body: unknown, options?: Options) =>
  (await request<T>("PUT", path, { ...options, body })).data;
export const del = async <T>(path: string, options?: Options) =>
  (await request<T>("DELETE", path, options)).data;

export function query(params: Record<string, string | number | boolean | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}
