/**
 * The only place that talks to the server: typed calls, problems as exceptions, and the access token,
 * which lives in this module's memory and nowhere else.
 */
import type { components, paths } from "./schema";

type Method = "get" | "post" | "delete";
type Body<R> = R extends { content: { "application/json": infer B } } ? B : undefined;
type Success<R> = R extends { 200: infer A }
  ? Body<A>
  : R extends { 202: infer A }
    ? Body<A>
    : undefined;
type Answer<P extends keyof paths, M extends Method> = paths[P][M] extends { responses: infer R }
  ? Success<R>
  : never;

export type Status = Answer<"/auth/status", "get">;
export type LoginState = Answer<"/auth/login", "get">;
export type Done = Answer<"/auth/mfa/confirm", "post">;
export type Enrollment = Answer<"/auth/mfa/enroll", "post">;
export type Refreshed = Answer<"/auth/refresh", "post">;
export type Me = Answer<"/auth/me", "get">;
export type User = Done["user"];
/** Every code a refusal of the server may carry. */
export type Reason = components["schemas"]["Problem"]["code"];
export type Step = LoginState["step"] | Done["step"];

export interface ProblemFacts {
  code: string;
  status: number;
  detail: string;
  retryAfter: number | null;
  triesLeft: number | null;
  minutesAgo: number | null;
  errors: readonly { field: string; message: string }[];
}

export class ApiProblem extends Error implements ProblemFacts {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly retryAfter: number | null;
  readonly triesLeft: number | null;
  readonly minutesAgo: number | null;
  readonly errors: readonly { field: string; message: string }[];
  /** When it reached us, in ms since the epoch: the waits in it count from here. */
  readonly at = Date.now();

  constructor(facts: Partial<ProblemFacts> & Pick<ProblemFacts, "code">) {
    super(facts.detail ?? facts.code);
    this.name = "ApiProblem";
    this.code = facts.code;
    this.status = facts.status ?? 0;
    this.detail = facts.detail ?? "";
    this.retryAfter = facts.retryAfter ?? null;
    this.triesLeft = facts.triesLeft ?? null;
    this.minutesAgo = facts.minutesAgo ?? null;
    this.errors = facts.errors ?? [];
  }

  /** The moment the server will listen again, in ms since the epoch; null when it named none. */
  get retryAt(): number | null {
    return this.retryAfter === null ? null : this.at + this.retryAfter * 1000;
  }
}

const BASE = (import.meta.env.VITE_API_URL ?? "/api").replace(/\/$/, "");
const GIVE_UP_AFTER_MS = 30_000;

let accessToken: string | null = null;
let refreshing: Promise<Refreshed | null> | null = null;
const watchers = new Set<(problem: ApiProblem) => void>();

/** Hear of every refusal, wherever it happened; answers how to stop. */
export function watchProblems(watcher: (problem: ApiProblem) => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function forgetAccess(): void {
  accessToken = null;
}

function asNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

async function problemFrom(response: Response): Promise<ApiProblem> {
  const body: Record<string, unknown> = await response.json().catch(() => ({}));
  const header = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiProblem({
    // A proxy in front of the server answers in its own format: all it can tell us is that nobody is there.
    code:
      typeof body.code === "string"
        ? body.code
        : response.status < 500
          ? "internal"
          : "unavailable",
    status: response.status,
    detail: typeof body.detail === "string" ? body.detail : "",
    retryAfter: asNumber(body.retry_after) ?? asNumber(header),
    triesLeft: asNumber(body.tries_left),
    minutesAgo: asNumber(body.minutes_ago),
    errors: Array.isArray(body.errors) ? body.errors : [],
  });
}

async function send(
  method: Method,
  path: string,
  body: unknown,
  token: string | null,
): Promise<Response> {
  // The second header marks calls from our own pages, even if the browser sends no Origin.
  const headers: Record<string, string> = {
    Accept: "application/json",
    "X-Requested-With": "focys",
  };
  if (method !== "get") headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  try {
    return await fetch(BASE + path, {
      method: method.toUpperCase(),
      headers,
      body: method === "get" ? null : JSON.stringify(body ?? {}),
      credentials: BASE.startsWith("http") ? "include" : "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(GIVE_UP_AFTER_MS),
    });
  } catch (fault) {
    const timedOut = fault instanceof DOMException && fault.name === "TimeoutError";
    throw new ApiProblem({
      code: timedOut ? "timeout" : navigator.onLine ? "unreachable" : "offline",
    });
  }
}

async function read<T>(response: Response): Promise<T> {
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  return fail(await problemFrom(response));
}

function fail(problem: ApiProblem): never {
  for (const watcher of watchers) watcher(problem);
  throw problem;
}

async function call<P extends keyof paths & string, M extends Method>(
  method: M,
  path: P,
  body?: unknown,
): Promise<Answer<P, M>> {
  return read(await send(method, path, body, null));
}

/** Like `call`, for a signed-in user: an expired token is renewed once, then the call is made again. */
async function callSignedIn<P extends keyof paths & string, M extends Method>(
  method: M,
  path: P,
): Promise<Answer<P, M>> {
  const token = accessToken ?? (await renewed());
  const response = await send(method, path, undefined, token);
  if (response.status !== 401) return read(response);
  const current = accessToken === token ? await renewed() : accessToken;
  return read(await send(method, path, undefined, current));
}

/** A new access token for a session that must exist; if its cookie is gone, the session has ended. */
async function renewed(): Promise<string> {
  const answer = await refresh();
  return answer ? answer.access_token : fail(new ApiProblem({ code: "session_ended" }));
}

/**
 * The signed-in user with a new access token, or null.
 * One renewal at a time: all calls whose token has expired wait for the same one.
 */
export function refresh(): Promise<Refreshed | null> {
  refreshing ??= call("post", "/auth/refresh")
    .then((answer: Refreshed | undefined) => {
      if (answer) return admit(answer);
      forgetAccess();
      return null;
    })
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
}

function admit<T extends { access_token: string } | LoginState>(answer: T): T {
  if ("access_token" in answer) accessToken = answer.access_token;
  return answer;
}

export const api = {
  status: () => call("get", "/auth/status"),
  login: (email: string, password: string) =>
    call("post", "/auth/login", { email, password }).then(admit),
  loginUnderWay: () => call("get", "/auth/login"),
  cancelLogin: () => call("delete", "/auth/login"),
  verifyEmailCode: (code: string) => call("post", "/auth/email-code/verify", { code }),
  resendEmailCode: () => call("post", "/auth/email-code/resend"),
  enrollment: (restart = false) => call("post", "/auth/mfa/enroll", restart ? { restart } : {}),
  confirmEnrollment: (code: string) => call("post", "/auth/mfa/confirm", { code }).then(admit),
  verifyTotp: (code: string) => call("post", "/auth/totp/verify", { code }).then(admit),
  verifyTotpPair: (older: string, newer: string) =>
    call("post", "/auth/totp/verify", { codes: [older, newer] }).then(admit),
  verifyBackupCode: (code: string) =>
    call("post", "/auth/backup-code/verify", { code }).then(admit),
  me: () => callSignedIn("get", "/auth/me"),
  logout: () => call("post", "/auth/logout").finally(forgetAccess),
};
