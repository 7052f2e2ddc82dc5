import { api, type Me, type User } from "../../lib/api";
import { ProblemText } from "../../lib/ProblemText";
import { useServerData } from "../../lib/useServerData";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import { methodsInWords } from "./methods";
import { dateAndTime } from "./moments";
import { Summary, type SummaryLine } from "./Summary";

/** The factors are known from the sign-in; the rest is loaded from the server. */
export function SecuritySummary({ user }: { user: User }) {
  const { data: me, problem, loading, reload } = useServerData(api.me);
  return (
    <>
      <Summary lines={[...factors(me ?? user), ...(problem ? [] : session(me))]} />
      {problem && (
        <>
          <Alert tone="danger">
            <ProblemText problem={problem} />
          </Alert>
          <Button busy={loading} onClick={() => reload()}>
            Try again
          </Button>
        </>
      )}
    </>
  );
}

function factors(user: User): SummaryLine[] {
  return [
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
    { name: "Backup codes", value: user.mfa_enabled ? `${user.backup_codes_left} left` : "None" },
    ...(user.role === "admin" ? [{ name: "Role", value: "Administrator" }] : []),
  ];
}

function session(me: Me | undefined): SummaryLine[] {
  return [
    {
      name: "Last sign-in",
      value: me ? `${dateAndTime(me.auth_time)}, with ${methodsInWords(me.amr)}` : "…",
    },
  ];
}
