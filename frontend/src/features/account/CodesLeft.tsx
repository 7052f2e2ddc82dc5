import type { User } from "../../lib/api";
import { Alert } from "../../ui/Alert";

const FEW = 3;

function codesLeft(left: number): string {
  if (left === 0) return "You have no backup codes left.";
  return left === 1 ? "You have 1 backup code left." : `You have ${left} backup codes left.`;
}

/** Says how many codes are left after one was used, and warns before the last one is gone. */
export function CodesLeft({ user, usedOne }: { user: User; usedOne: boolean }) {
  const left = user.backup_codes_left;
  const few = user.mfa_enabled && left <= FEW;
  if (!few && !usedOne) return null;
  return (
    <Alert tone={few ? "warning" : "info"}>
      <p>
        {usedOne && "You used a backup code. "}
        {codesLeft(left)}
      </p>
      {few && (
        <p>
          Get new ones at “Backup codes”. Without a backup code or your app, you cannot sign in.
        </p>
      )}
    </Alert>
  );
}
