import { beforeEach, expect, test, vi } from "vitest";
import { ApiProblem, api, forgetAccessToken, refresh, watchProblems } from "./api";

const user = {
  id: "1",
  email: "alice@student.com",
  display_name: "Alice",
  role: "user",
  mfa_enabled: true,
  backup_codes_left: 10,
};

const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });

const token = (name: string) =>
  json({ access_token: name, token_type: "bearer", expires_in: 1800, user });

type Call = {
  path: string;
  method: string;
  authorization: string | null;
  type: string | null;
  requestedWith: string | null;
};

/** Stubs the server; returns the calls it receives. */
function serve(respond: (call: Call) => Response | Promise<Response>): Call[] {
  const calls: Call[] = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    const headers = new Headers(init.headers);
    const call = {
      path,
      method: init.method ?? "GET",
      authorization: headers.get("Authorization"),
      type: headers.get("Content-Type"),
      requestedWith: headers.get("X-Requested-With"),
    };
    calls.push(call);
    return respond(call);
  });
  return calls;
}

const problemOf = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (fault: unknown) => fault as ApiProblem,
  );

beforeEach(() => {
  forgetAccessToken();
  vi.unstubAllGlobals();
});

test("an error response becomes a problem with its numbers, and watchers are told", async () => {
  const seen: string[] = [];
  const stop = watchProblems((problem) => seen.push(problem.code));
  serve(() =>
    json(
      { code: "invalid_code", detail: "Wrong.", tries_left: 3, minutes_ago: 2, retry_after: 7 },
      401,
    ),
  );

  const problem = await problemOf(api.verifyTotp("123456"));
  stop();

  expect(problem).toBeInstanceOf(ApiProblem);
  expect(problem).toMatchObject({
    code: "invalid_code",
    status: 401,
    triesLeft: 3,
    minutesAgo: 2,
    retryAfter: 7,
  });
  expect(seen).toEqual(["invalid_code"]);
});

test("an HTML page from a proxy means that the server is unavailable", async () => {
  serve(() => new Response("<h1>502</h1>", { status: 502, headers: { "Retry-After": "30" } }));

  const problem = await problemOf(api.status());

  expect(problem).toMatchObject({ code: "unavailable", status: 502, retryAfter: 30 });
});

test("an unreachable server is not confused with being offline", async () => {
  serve(() => Promise.reject(new TypeError("failed")));
  expect(await problemOf(api.status())).toMatchObject({ code: "unreachable" });

  vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  expect(await problemOf(api.status())).toMatchObject({ code: "offline" });
});

test("every call that changes something has the content type JSON, even without a body", async () => {
  const calls = serve(() => new Response(null, { status: 204 }));

  await api.cancelLogin();
  await api.logout();

  expect(calls.map(({ type }) => type)).toEqual(["application/json", "application/json"]);
});

test("every call is marked as coming from these pages", async () => {
  const calls = serve(({ method }) =>
    method === "GET" ? json({}) : new Response(null, { status: 204 }),
  );

  await api.status();
  await refresh();
  await api.logout();

  expect(calls.map(({ requestedWith }) => requestedWith)).toEqual(["focys", "focys", "focys"]);
});

test("without a session nobody is signed in, and no problem is reported", async () => {
  const seen: string[] = [];
  const stop = watchProblems((problem) => seen.push(problem.code));
  const calls = serve(() => new Response(null, { status: 204 }));

  const user = await refresh();
  stop();

  expect(user).toBeNull();
  expect(seen).toEqual([]);
  expect(calls).toHaveLength(1);
});

test("calls that need a session report its end once its cookie is gone", async () => {
  let isGone = false;
  const seen: string[] = [];
  const stop = watchProblems((problem) => seen.push(problem.code));
  const calls = serve(({ path }) => {
    if (!path.endsWith("/auth/refresh")) return json({ code: "not_authenticated" }, 401);
    return isGone ? new Response(null, { status: 204 }) : token("first");
  });
  await refresh();
  isGone = true;

  const problem = await problemOf(api.me());
  const again = await problemOf(api.me());
  stop();

  expect([problem?.code, again?.code]).toEqual(["session_ended", "session_ended"]);
  expect(seen).toEqual(["session_ended", "session_ended"]);
  // The token of the ended session is not used again.
  expect(calls.filter(({ path }) => path.endsWith("/auth/me"))).toHaveLength(1);
});

test("two calls with an expired token share one renewal", async () => {
  let current = "old";
  const calls = serve(({ path, authorization }) => {
    if (path.endsWith("/auth/refresh")) {
      current = current === "old" ? "new" : "newer";
      return token(current);
    }
    return authorization === "Bearer newer" ? json(user) : json({ code: "not_authenticated" }, 401);
  });
  await refresh();

  await Promise.all([api.me(), api.me()]);

  expect(calls.filter(({ path }) => path.endsWith("/auth/refresh"))).toHaveLength(2);
  expect(calls.filter(({ path }) => path.endsWith("/auth/me"))).toHaveLength(4);
});

test("a session that cannot be renewed is not requested twice", async () => {
  const calls = serve(() => json({ code: "session_ended" }, 401));

  const problem = await problemOf(api.me());

  expect(problem).toMatchObject({ code: "session_ended" });
  expect(calls).toHaveLength(1);
});
