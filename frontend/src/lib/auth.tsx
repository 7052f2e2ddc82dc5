/**
 * The auth context: the sign-in state of this browser, and the actions that change it.
 * The server decides every step; this module only passes its responses on to the pages.
 */
import {
  createContext,
  type ReactNode,
  use,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import {
  ApiProblem,
  api,
  type Done,
  forgetAccessToken,
  type LoginState,
  refresh,
  watchProblems,
} from "./api";
import { type AuthState, after, inProgress, type Notice, signedIn, signedOut } from "./authState";
import { keepPhone } from "./demoPhone";
import { rememberAppName, rememberEmail, rememberedAppName } from "./memory";
import { forgetReturn } from "./returnPath";
import { onOtherTab, tellOtherTabs } from "./tabs";
import { useDeadline } from "./useDeadline";

interface Auth {
  state: AuthState;
  /** Empty until the server has named the app. */
  appName: string;
  resync(): Promise<void>;
  signIn(email: string, password: string): Promise<void>;
  verifyEmailCode(code: string): Promise<void>;
  resendEmailCode(): Promise<void>;
  confirmEnrollment(code: string): Promise<void>;
  verifyTotp(code: string): Promise<void>;
  verifyTotpPair(older: string, newer: string): Promise<void>;
  verifyBackupCode(code: string): Promise<void>;
  codesSaved(): void;
  /** Cancel the login in progress. */
  cancel(): Promise<void>;
  signOut(): Promise<void>;
}

const AuthContext = createContext<Auth | null>(null);

/** The sign-in state according to the server, and the name of the app. */
async function askServer(): Promise<{ appName: string; state: AuthState }> {
  const status = await api.status();
  const fallback = status.login ? inProgress(status.login) : signedOut();
  if (!status.signed_in) return { appName: status.app_name, state: fallback };
  try {
    const session = await refresh();
    return { appName: status.app_name, state: session ? signedIn(session.user) : fallback };
  } catch (fault) {
    if (!(fault instanceof ApiProblem) || fault.code !== "session_ended") throw fault;
    const state = status.login ? fallback : signedOut("session_ended");
    return { appName: status.app_name, state };
  }
}

function useAuthState() {
  const [state, setState] = useState<AuthState>({ at: "booting" });
  const [appName, setAppName] = useState(rememberedAppName);
  const latest = useRef(state);
  latest.current = state;

  const resync = useCallback(async (notice: Notice | null = null) => {
    try {
      const { appName, state } = await askServer();
      setAppName(appName);
      rememberAppName(appName);
      setState(state.at === "signed_out" && notice ? signedOut(notice) : state);
    } catch (fault) {
      if (!(fault instanceof ApiProblem)) throw fault;
      const unknown = latest.current.at === "booting" || latest.current.at === "unreachable";
      if (unknown) setState({ at: "unreachable", problem: fault });
    }
  }, []);

  return { state, setState, appName, latest, resync };
}

type Store = ReturnType<typeof useAuthState>;

/** Some problems concern the whole sign-in, not only the form that caused them. */
function useProblems({ setState, latest, resync }: Store) {
  useEffect(() => {
    const patchLogin = (change: Partial<LoginState>) => {
      const now = latest.current;
      const isChanged = Object.keys(change).length > 0;
      if (now.at === "login" && isChanged)
        setState(inProgress({ ...now.login, ...remaining(now.login), ...change }));
    };
    return watchProblems((problem) => {
      const isLocked = latest.current.at === "login" && latest.current.login.unlocksAt !== null;
      if (problem.code === "login_expired" && latest.current.at === "login")
        setState(signedOut("expired"));
      if (problem.code === "session_ended" && latest.current.at === "signed_in") {
        forgetAccessToken();
        setState(signedOut("session_ended"));
      }
      if (problem.code === "out_of_turn") void resync();
      // During a lock, the wait may be the one for two codes instead of the lock's; only the server knows.
      if (problem.code === "account_locked" && isLocked) void resync();
      else patchLogin(changeFrom(problem));
    });
  }, [setState, latest, resync]);
}

/** What a problem changes about the login in progress. */
function changeFrom({ code, retryAfter, triesLeft, nextPause }: ApiProblem): Partial<LoginState> {
  return {
    ...(code === "guarded" && { guarded: true }),
    ...(code === "account_locked" && { retry_after: retryAfter }),
    ...(code === "new_code_needed" && { tries_left: 0 }),
    ...(triesLeft !== null && { tries_left: triesLeft, next_pause: nextPause }),
  };
}

/** The waits of a login in seconds from now, to build a new state from it without restarting them. */
function remaining(login: { expiresAt: number; resendAt: number; unlocksAt: number | null }) {
  const until = (moment: number) => Math.max(0, (moment - Date.now()) / 1000);
  return {
    expires_in: until(login.expiresAt),
    resend_after: until(login.resendAt),
    retry_after: login.unlocksAt === null ? null : until(login.unlocksAt),
  };
}

/** Ends an expired login and an expired lock without any action by the user. */
function useDeadlines({ state, setState, resync }: Store) {
  const login = state.at === "login" ? state.login : null;
  // The countdown of a lock runs to its end, even if the login expires first.
  useDeadline(login && !login.unlocksAt ? login.expiresAt : null, () =>
    setState(signedOut("expired")),
  );
  useDeadline(login?.unlocksAt ?? null, () => void resync("unlocked"));
}

function useOtherTabs({ latest, resync }: Store) {
  useEffect(() => {
    const catchUp = () => {
      // Codes that are shown only once must not disappear because of another tab.
      if (latest.current.at !== "codes") void resync();
    };
    const restored = (event: PageTransitionEvent) => event.persisted && catchUp();
    window.addEventListener("pageshow", restored);
    const stop = onOtherTab(catchUp);
    return () => {
      window.removeEventListener("pageshow", restored);
      stop();
    };
  }, [latest, resync]);
}

function useActions({ setState, latest, resync }: Store) {
  return useMemo(() => {
    const move = (next: AuthState) => {
      setState(next);
      tellOtherTabs();
    };
    const prove = async (response: Promise<LoginState | Done>) => {
      const accepted = await response;
      move(after(accepted, latest.current));
    };

    let canceled: Promise<unknown> = Promise.resolve();

    return {
      resync: () => resync(),
      async signIn(email: string, password: string) {
        rememberEmail(email);
        // The response to the cancellation deletes the cookie, which must not be the new one.
        await canceled;
        await prove(api.login(email, password));
      },
      verifyEmailCode: (code: string) => prove(api.verifyEmailCode(code)),
      async resendEmailCode() {
        await api.resendEmailCode();
        setState(inProgress(await api.currentLogin()));
      },
      confirmEnrollment: (code: string) => prove(api.confirmEnrollment(code)),
      verifyTotp: (code: string) => prove(api.verifyTotp(code)),
      verifyTotpPair: (older: string, newer: string) => prove(api.verifyTotpPair(older, newer)),
      verifyBackupCode: (code: string) => prove(api.verifyBackupCode(code)),
      codesSaved() {
        const now = latest.current;
        if (now.at === "codes") move(signedIn(now.user));
      },
      async cancel() {
        setState(signedOut());
        canceled = api.cancelLogin().catch(ignoreProblem);
        await canceled;
        tellOtherTabs();
      },
      async signOut() {
        await (__DEMO__ ? keepPhone(api.logout) : api.logout());
        forgetReturn();
        move(signedOut("signed_out"));
      },
    };
  }, [setState, latest, resync]);
}

/** A login that cannot be canceled expires within minutes anyway, so nobody has to stay because of it. */
function ignoreProblem(fault: unknown): void {
  if (!(fault instanceof ApiProblem)) throw fault;
}

export function AuthProvider({ children }: { children: ReactNode }) {
  const store = useAuthState();
  useProblems(store);
  useDeadlines(store);
  useOtherTabs(store);
  const actions = useActions(store);

  const { state, appName, resync } = store;
  useEffect(() => void resync(), [resync]);

  const auth = useMemo(() => ({ ...actions, state, appName }), [actions, state, appName]);
  return <AuthContext value={auth}>{children}</AuthContext>;
}

export function useAuth(): Auth {
  const auth = use(AuthContext);
  if (!auth) throw new Error("useAuth needs an AuthProvider above it");
  return auth;
}

/** The login in progress, for the pages that are only shown during one. */
export function useLogin() {
  const { state } = useAuth();
  if (state.at !== "login") throw new Error("useLogin needs a login in progress");
  return state.login;
}
