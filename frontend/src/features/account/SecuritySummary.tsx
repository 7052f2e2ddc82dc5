import { api, type Me, type User } from "../../lib/api";
import { useServerData } from "../../lib/useServerData";
import { LoadProblem } from "./LoadProblem";
import { methodsInWords } from "./methods";
import { dateAndTime } from "./moments";
import { Summary, type SummaryLine } from "./Summary";

async function load() {
  const [me, { sessions }] = await Promise.all([api.me(), api.sessions()]);
  return { me, browsers: sessions.length };
}

type Loaded = Awaited<ReturnType<typeof load>>;

/** The factors are known from the sign-in; the rest is loaded from the server. */
export function SecuritySummary({ user }: { user: User }) {
  const { data, problem, loading, reload } = useServerData(load);
  return (
    <>
      <Summary lines={[...factors(data?.me ?? user), ...(problem ? [] : use(data))]} />
      {problem && <LoadProblem problem={problem} loading={loading} reload={reload} />}
    </>
  );
}

function factors(user: User): SummaryLine[] {
  return [
    {
      name: "Password",
      value: "The first step of each sign-in",
      page: { path: "/account/password", label: "Change", spoken: "Change your password" },
    },
    {
      name: "Authenticator app",
      value: user.mfa_enabled ? "On" : "Not set up",
      page: user.mfa_enabled
        ? { path: "/account/authenticator", label: "New phone", spoken: "Set up a new phone" }
        : {
            path: "/account/authenticator",
            label: "Set up",
            spoken: "Set up an authenticator app",
          },
    },
    user.mfa_enabled
      ? {
          name: "Backup codes",
          value: `${user.backup_codes_left} left`,
          page: { path: "/account/backup-codes", label: "Manage", spoken: "Manage backup codes" },
        }
      : { name: "Backup codes", value: "None" },
    ...(user.role === "admin" ? [{ name: "Role", value: "Administrator" }] : []),
  ];
}

function use(data: Loaded | undefined): SummaryLine[] {
  return [
    {
      name: "Sessions",
      value: data ? browsersInWords(data.browsers) : "…",
      page: { path: "/account/sessions", label: "Show", spoken: "Show sessions" },
    },
    {
      name: "Last sign-in",
      value: data ? signInInWords(data.me) : "…",
      page: { path: "/account/activity", label: "Show", spoken: "Show activity" },
    },
  ];
}

const browsersInWords = (count: number) =>
  count === 1 ? "This browser only" : `${count} browsers`;

const signInInWords = (me: Me) => `${dateAndTime(me.auth_time)}, with ${methodsInWords(me.amr)}`;
