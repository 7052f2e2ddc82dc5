/**
 * The only module that calls the server. Its calls are typed, and throw problems as `ApiProblem`. The access token is
 * kept in this module's memory and nowhere else.
 */
import type { components, paths } from "./schema";

type Method = "get" | "post" | "delete";
type Body<R> = R extends { content: { "application/json": infer B } } ? B : undefined;
type Success<R> = R extends { 200: infer S }
  ? Body<S>
  : R extends { 202: infer S }
    ? Body<S>
    : undefined;
type ResponseBody<P extends keyof paths, M extends Method> = paths[P][M] extends {
  responses: infer R;
}
  ? Success<R>
  : never;

export type Status = ResponseBody<"/auth/status", "get">;
export type LoginState = ResponseBody<"/auth/login", "get">;
export type Done = ResponseBody<"/auth/mfa/confirm", "post">;
export type Enrollment = ResponseBody<"/auth/mfa/enroll", "post">;
export type Refreshed = ResponseBody<"/auth/refresh", "post">;
export type SteppedUp = ResponseBody<"/auth/step-up", "post">;
export type Me = ResponseBody<"/auth/me", "get">;
export type OwnSession = ResponseBody<"/account/sessions", "get">["sessions"][number];
export type OwnEvent = ResponseBody<"/account/activity", "get">["events"][number];
export type NewBackupCodes = ResponseBody<"/auth/backup-codes/renew", "post">;
export type FactorReplaced = ResponseBody<"/account/authenticator/confirm", "post">;
export type User = Done["user"];
/** Every error code the server may send. */
export type Reason = components["schemas"]["Problem"]["code"];
export type Step = LoginState["step"] | Done["step"];

export interface ProblemDetails {
  code: string;
  status: number;
  detail: string;
  retryAfter: number | null;
  triesLeft: number | null;
  /** Seconds that single codes are refused once no try is left. */
  nextPause: number | null;
  minutesAgo: number | null;
  errors: readonly { field: string; message: string }[];
}

export class ApiProblem extends Error implements ProblemDetails {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly retryAfter: number | null;
  readonly triesLeft: number | null;
  readonly nextPause: number | null;
  readonly minutesAgo: number | null;
  readonly errors: readonly { field: string; message: string }[];
  /** When it arrived, in ms since the epoch; the waits in it count from then. */
  readonly at = Date.now();

  constructor(details: Partial<ProblemDetails> & Pick<ProblemDetails, "code">) {
    super(details.detail ?? details.code);
    this.name = "ApiProblem";
    this.code = details.code;
    this.status = details.status ?? 0;
    this.detail = details.detail ?? "";
    this.retryAfter = details.retryAfter ?? null;
    this.triesLeft = details.triesLeft ?? null;
    this.nextPause = details.nextPause ?? null;
    this.minutesAgo = details.minutesAgo ?? null;
    this.errors = details.errors ?? [];
  }

  /** When to try again, in ms since the epoch; null if the server did not say. */
  get retryAt(): number | null {
    return this.retryAfter === null ? null : this.at + this.retryAfter * 1000;
  }
}

const BASE = (import.meta.env.VITE_API_URL ?? "/api").replace(/\/$/, "");
/** The address of something that the server names by its path. */
export const addressOf = (path: string) => (path.startsWith("/") ? BASE + path : path);

const TIMEOUT_MS = 30_000;

let accessToken: string | null = null;
let refreshing: Promise<Refreshed | null> | null = null;
const watchers = new Set<(problem: ApiProblem) => void>();

/** Call *watcher* with every problem, from any call. Returns a function that stops it. */
export function watchProblems(watcher: (problem: ApiProblem) => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function forgetAccessToken(): void {
  accessToken = null;
}

function asNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

async function problemFrom(response: Response): Promise<ApiProblem> {
  const body: Record<string, unknown> = await response.json().catch(() => ({}));
  const header = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiProblem({
    // A proxy responds in its own format when the server behind it is down.
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
    nextPause: asNumber(body.next_pause),
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
  // X-Requested-With marks calls from these pages, even if the browser sends no Origin.
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
      // Someone who leaves a sign-in, then reloads or closes the tab at once, must not find it still open.
      keepalive: method === "delete",
      signal: AbortSignal.timeout(TIMEOUT_MS),
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
): Promise<ResponseBody<P, M>> {
  return read(await send(method, path, body, null));
}

/**
 * Like `call`, but with the access token: an expired one is renewed once, and the call repeated. `address` is the path
 * with its parameters filled in.
 */
async function callSignedIn<P extends keyof paths & string, M extends Method>(
  method: M,
  path: P,
  body?: unknown,
  address: string = path,
): Promise<ResponseBody<P, M>> {
  const token = accessToken ?? (await renewAccessToken());
  const response = await send(method, address, body, token);
  if (response.status !== 401) return read(response);
  // A wrong password or code is a 401 as well, and must not be sent twice.
  const problem = await problemFrom(response);
  if (problem.code !== "not_authenticated") return fail(problem);
  const current = accessToken === token ? await renewAccessToken() : accessToken;
  return read(await send(method, address, body, current));
}

/** A new access token. Without a refresh cookie, the session has ended. */
async function renewAccessToken(): Promise<string> {
  const renewed = await refresh();
  return renewed ? renewed.access_token : fail(new ApiProblem({ code: "session_ended" }));
}

/**
 * Gets a new access token and returns the signed-in user, or null if nobody is signed in.
 * Calls that find the token expired at the same time share one renewal.
 */
export function refresh(): Promise<Refreshed | null> {
  refreshing ??= call("post", "/auth/refresh")
    .then((renewed: Refreshed | undefined) => {
      if (renewed) return keepAccessToken(renewed);
      forgetAccessToken();
      return null;
    })
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
}

function keepAccessToken<T extends { access_token: string } | LoginState>(body: T): T {
  if ("access_token" in body) accessToken = body.access_token;
  return body;
}

export const api = {
  status: () => call("get", "/auth/status"),
  login: (email: string, password: string) =>
    call("post", "/auth/login", { email, password }).then(keepAccessToken),
  currentLogin: () => call("get", "/auth/login"),
  cancelLogin: () => call("delete", "/auth/login"),
  verifyEmailCode: (code: string, ticket?: string) =>
    call("post", "/auth/email-code/verify", ticket === undefined ? { code } : { code, ticket }),
  resendEmailCode: () => call("post", "/auth/email-code/resend"),
  enrollment: (restart = false) => call("post", "/auth/mfa/enroll", restart ? { restart } : {}),
  confirmEnrollment: (code: string) =>
    call("post", "/auth/mfa/confirm", { code }).then(keepAccessToken),
  verifyTotp: (code: string) => call("post", "/auth/totp/verify", { code }).then(keepAccessToken),
  verifyTotpPair: (older: string, newer: string) =>
    call("post", "/auth/totp/verify", { codes: [older, newer] }).then(keepAccessToken),
  verifyBackupCode: (code: string) =>
    call("post", "/auth/backup-code/verify", { code }).then(keepAccessToken),
  acknowledgeBackupCodes: (set: string) =>
    callSignedIn("post", "/auth/backup-codes/acknowledge", { set }),
  renewBackupCodes: (set: string) => callSignedIn("post", "/auth/backup-codes/renew", { set }),
  stepUp: (answer: { code: string } | { codes: [string, string] }) =>
    callSignedIn("post", "/auth/step-up", answer).then(keepAccessToken),
  stepUpWithBackupCode: (code: string, password: string) =>
    callSignedIn("post", "/auth/step-up/backup-code", { code, password }).then(keepAccessToken),
  stepUpWithPassword: (password: string) =>
    callSignedIn("post", "/auth/step-up/password", { password }).then(keepAccessToken),
  newBackupCodes: () => callSignedIn("post", "/account/backup-codes"),
  checkBackupCode: (code: string) => callSignedIn("post", "/account/backup-codes/check", { code }),
  changePassword: (current: string, chosen: string) =>
    callSignedIn("post", "/account/password", {
      current_password: current,
      new_password: chosen,
    }),
  judgePassword: (chosen: string) =>
    callSignedIn("post", "/account/password/check", { new_password: chosen }),
  newAuthenticator: (restart = false) =>
    callSignedIn("post", "/account/authenticator", restart ? { restart } : {}),
  confirmAuthenticator: (code: string) =>
    callSignedIn("post", "/account/authenticator/confirm", { code }),
  turnOffAuthenticator: () => callSignedIn("delete", "/account/authenticator"),
  me: () => callSignedIn("get", "/auth/me"),
  sessions: () => callSignedIn("get", "/account/sessions"),
  endSession: (id: string) =>
    callSignedIn("delete", "/account/sessions/{session_id}", {}, `/account/sessions/${id}`),
  endOtherSessions: () => callSignedIn("post", "/account/sessions/end-others"),
  activity: (before?: string) =>
    callSignedIn(
      "get",
      "/account/activity",
      undefined,
      `/account/activity${before ? `?before=${before}` : ""}`,
    ),
  logout: () => call("post", "/auth/logout").finally(forgetAccessToken),
};
