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
  type Status,
  type User,
  watchProblems,
} from "./api";
import {
  type AuthState,
  after,
  inProgress,
  isSignedIn,
  type Login,
  type Notice,
  signedIn,
  signedOut,
  unsavedSet,
  withNewCodes,
  withNewFactor,
} from "./authState";
import { type Brand, brandOf } from "./brand";
import { keepPhone } from "./demoPhone";
import { rememberBrand, rememberEmail, rememberedBrand } from "./memory";
import { forgetReturn } from "./returnPath";
import { onOtherTab, tellOtherTabs } from "./tabs";
import { useAccent } from "./useAccent";
import { useDeadline } from "./useDeadline";

interface Auth {
  state: AuthState;
  /** Empty until the server has named the app. */
  appName: string;
  brand: Brand;
  resync(): Promise<void>;
  signIn(email: string, password: string): Promise<void>;
  verifyEmailCode(code: string, ticket?: string): Promise<void>;
  resendEmailCode(): Promise<void>;
  confirmEnrollment(code: string): Promise<void>;
  verifyTotp(code: string): Promise<void>;
  verifyTotpPair(older: string, newer: string): Promise<void>;
  verifyBackupCode(code: string): Promise<void>;
  /** The backup codes shown now, or shown before, are saved. */
  codesSaved(): Promise<void>;
  /** Shows new backup codes in place of those that were not saved. */
  renewCodes(): Promise<void>;
  /** Shows new backup codes in place of all others. */
  newCodes(): Promise<void>;
  /** The code of a new authenticator, which replaces the old one. */
  confirmAuthenticator(code: string): Promise<void>;
  turnOffAuthenticator(): Promise<void>;
  /** A response contains the signed-in user, who may have changed. */
  userChanged(user: User): void;
  /** Cancel the login in progress. */
  cancel(): Promise<void>;
  signOut(): Promise<void>;
}

const AuthContext = createContext<Auth | null>(null);

/** The sign-in state according to the server, and how the pages look. */
async function askServer(): Promise<{ brand: Brand; state: AuthState }> {
  const status = await api.status();
  return { brand: brandOf(status), state: await stateOf(status) };
}

async function stateOf({ signed_in, login }: Status): Promise<AuthState> {
  const fallback = login ? inProgress(login) : signedOut();
  if (!signed_in) return fallback;
  try {
    const session = await refresh();
    return session ? signedIn(session.user) : fallback;
  } catch (fault) {
    if (!(fault instanceof ApiProblem) || fault.code !== "session_ended") throw fault;
    return login ? fallback : signedOut("session_ended");
  }
}

function useAuthState() {
  const [state, setState] = useState<AuthState>({ at: "booting" });
  const [brand, setBrand] = useState(rememberedBrand);
  const latest = useRef(state);
  latest.current = state;

  const resync = useCallback(async (notice: Notice | null = null) => {
    try {
      const { brand, state } = await askServer();
      setBrand(brand);
      rememberBrand(brand);
      setState(state.at === "signed_out" && notice ? signedOut(notice) : state);
    } catch (fault) {
      if (!(fault instanceof ApiProblem)) throw fault;
      const unknown = latest.current.at === "booting" || latest.current.at === "unreachable";
      if (unknown) setState({ at: "unreachable", problem: fault });
    }
  }, []);

  return { state, setState, brand, latest, resync };
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
        setState(signedOut(whyEnded(latest.current.login)));
      if (problem.code === "session_ended" && isSignedIn(latest.current)) {
        forgetAccessToken();
        setState(signedOut("session_ended"));
      }
      if (problem.code === "out_of_turn" || problem.code === "codes_outdated") void resync();
      // During a lock, the wait may be the one for two codes instead of the lock's; only the server knows.
      if (problem.code === "account_locked" && isLocked) void resync();
      else patchLogin(changeFrom(problem));
    });
  }, [setState, latest, resync]);
}

/** Whether the codes that this tab shows were replaced in another one. */
async function areReplaced({ backup_codes_unsaved: shown }: User): Promise<boolean> {
  const session = await refresh().catch(ignoreProblem);
  const unsaved = session?.user.backup_codes_unsaved;
  return Boolean(unsaved) && unsaved !== shown;
}

/** Why a login has ended: if it had time left, the browser may have dropped its cookie. The server rounds up. */
const whyEnded = ({ expiresAt }: Login): Notice =>
  expiresAt > Date.now() + 2000 ? "lost" : "expired";

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
    const catchUp = async () => {
      // Codes that are shown only once must not disappear because of another tab, unless it has replaced them.
      if (latest.current.at !== "codes" || (await areReplaced(latest.current.user))) void resync();
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
      verifyEmailCode: (code: string, ticket?: string) => prove(api.verifyEmailCode(code, ticket)),
      async resendEmailCode() {
        await api.resendEmailCode();
        setState(inProgress(await api.currentLogin()));
      },
      confirmEnrollment: (code: string) => prove(api.confirmEnrollment(code)),
      verifyTotp: (code: string) => prove(api.verifyTotp(code)),
      verifyTotpPair: (older: string, newer: string) => prove(api.verifyTotpPair(older, newer)),
      verifyBackupCode: (code: string) => prove(api.verifyBackupCode(code)),
      async codesSaved() {
        const { user, set } = unsavedSet(latest.current);
        const unsaved = set ? await api.acknowledgeBackupCodes(set) : {};
        if (user) move(signedIn({ ...user, ...unsaved }));
      },
      async renewCodes() {
        const { user, set } = unsavedSet(latest.current);
        if (user && set) move(withNewCodes(user, await api.renewBackupCodes(set), "not_saved"));
      },
      async newCodes() {
        const codes = await api.newBackupCodes();
        const { user } = unsavedSet(latest.current);
        if (user) move(withNewCodes(user, codes, "asked"));
      },
      async confirmAuthenticator(code: string) {
        move(withNewFactor(await api.confirmAuthenticator(code)));
      },
      async turnOffAuthenticator() {
        await api.turnOffAuthenticator();
        move(signedIn(await api.me()));
      },
      userChanged(user: User) {
        setState((now) => (now.at === "signed_in" ? { ...now, user } : now));
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

/** For calls whose failure changes nothing on the page, such as canceling a login that expires within minutes anyway. */
function ignoreProblem(fault: unknown): undefined {
  if (!(fault instanceof ApiProblem)) throw fault;
}

export function AuthProvider({ children }: { children: ReactNode }) {
  const store = useAuthState();
  useProblems(store);
  useDeadlines(store);
  useOtherTabs(store);
  const actions = useActions(store);

  const { state, brand, resync } = store;
  useEffect(() => void resync(), [resync]);
  useAccent(brand.accent);

  const auth = useMemo(
    () => ({ ...actions, state, brand, appName: brand.appName }),
    [actions, state, brand],
  );
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
