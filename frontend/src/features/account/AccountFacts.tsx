import { api, type Me, type User } from "../../lib/api";
import { ProblemText } from "../../lib/ProblemText";
import { useServerData } from "../../lib/useServerData";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Facts";
import { methodsInWords } from "./methods";

const dateAndTime = (iso: string) =>
  new Date(iso).toLocaleString([], {
    day: "numeric",
    month: "long",
    hour: "2-digit",
    minute: "2-digit",
  });

/** The account is known from the sign-in; the details of the session are loaded from the server. */
export function AccountFacts({ user }: { user: User }) {
  const { data: me, problem, loading, reload } = useServerData(api.me);
  return (
    <>
      <Facts items={[...factors(me ?? user), ...(problem ? [] : session(me))]} />
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

function factors(user: User): [string, string][] {
  return [
    ["Authenticator app", user.mfa_enabled ? "On" : "Not set up"],
    ["Backup codes", user.mfa_enabled ? `${user.backup_codes_left} left` : "None"],
    ...(user.role === "admin" ? ([["Role", "Administrator"]] satisfies [string, string][]) : []),
  ];
}

function session(me: Me | undefined): [string, string][] {
  return [
    ["Signed in", me ? dateAndTime(me.auth_time) : "…"],
    ["Method", me ? methodsInWords(me.amr) : "…"],
    ["Session ends", me ? dateAndTime(me.session_expires_at) : "…"],
  ];
}
