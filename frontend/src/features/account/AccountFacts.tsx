import { ApiProblem, type Me, type User } from "../../lib/api";
import { ProblemText } from "../../lib/ProblemText";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Facts";
import { methodsInWords } from "./methods";
import { useMe } from "./useMe";

const dateAndTime = (iso: string) =>
  new Date(iso).toLocaleString([], {
    day: "numeric",
    month: "long",
    hour: "2-digit",
    minute: "2-digit",
  });

/** Known at once from the sign-in; the session's part follows from the server. */
export function AccountFacts({ user }: { user: User }) {
  const { data: me, error, refetch, isFetching } = useMe();
  return (
    <>
      <Facts items={[...factors(me ?? user), ...(error ? [] : session(me))]} />
      {error instanceof ApiProblem && (
        <>
          <Alert tone="danger">
            <ProblemText problem={error} />
          </Alert>
          <Button busy={isFetching} onClick={() => refetch()}>
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
