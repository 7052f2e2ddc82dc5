import { AccountFrame } from "../../features/account/AccountFrame";
import { CheckCode } from "../../features/account/CheckCode";
import { NewCodes } from "../../features/account/NewCodes";
import { UnsavedCodes } from "../../features/account/UnsavedCodes";
import { OfflineNote } from "../../features/login/OfflineNote";
import { useAuth } from "../../lib/auth";

export default function BackupCodes() {
  const { state } = useAuth();
  if (state.at !== "signed_in") return null;
  const { user } = state;
  return (
    <AccountFrame title="Backup codes" lead={<p>They let you sign in without your app.</p>}>
      <OfflineNote />
      {user.mfa_enabled ? (
        <>
          {user.backup_codes_unsaved ? (
            <UnsavedCodes user={user} />
          ) : (
            <NewCodes left={user.backup_codes_left} />
          )}
          {user.backup_codes_left > 0 && <CheckCode />}
        </>
      ) : (
        <p>You get backup codes when you set up an authenticator app.</p>
      )}
    </AccountFrame>
  );
}
