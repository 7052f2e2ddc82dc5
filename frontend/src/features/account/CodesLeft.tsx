import type { User } from "../../lib/api";
import { Alert } from "../../ui/Alert";

const FEW = 2;

const count = (left: number) =>
  left === 0
    ? "no backup codes are left"
    : left === 1
      ? "1 backup code is left"
      : `${left} backup codes are left`;

const sentence = (words: string) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

/** Says what a sign-in with a backup code cost, and speaks up before the last one is gone. */
export function CodesLeft({ user, usedOne }: { user: User; usedOne: boolean }) {
  const left = user.backup_codes_left;
  const few = user.mfa_enabled && left <= FEW;
  if (!few && !usedOne) return null;
  return (
    <Alert tone={few ? "warning" : "info"}>
      <p>{usedOne ? `You used a backup code; ${count(left)}.` : sentence(count(left))}</p>
      {few && (
        <p>
          {left === 0
            ? "Your next sign-in with the app shows you new ones."
            : "When the last one is used, your next sign-in with the app shows you new ones."}{" "}
          Without codes and without your phone you cannot sign in.
        </p>
      )}
    </Alert>
  );
}
