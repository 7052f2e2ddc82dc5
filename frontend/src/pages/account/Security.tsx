import { AccountFrame } from "../../features/account/AccountFrame";
import { CodesLeft } from "../../features/account/CodesLeft";
import { DemoNext } from "../../features/account/DemoNext";
import { SecuritySummary } from "../../features/account/SecuritySummary";
import { SignOut } from "../../features/account/SignOut";
import { UnsavedCodes } from "../../features/account/UnsavedCodes";
import { OfflineNote } from "../../features/login/OfflineNote";
import { useAuth } from "../../lib/auth";
import { ButtonLink } from "../../ui/ButtonLink";

export default function Security() {
  const { appName, brand, state } = useAuth();
  if (state.at !== "signed_in") return null;
  const { user, usedBackupCode } = state;
  return (
    <AccountFrame title={user.display_name || "Your account"} lead={<p>{user.email}</p>}>
      <OfflineNote />
      <UnsavedCodes user={user} />
      <CodesLeft user={user} usedOne={usedBackupCode} />
      {brand.appUrl && (
        <ButtonLink look={user.backup_codes_unsaved ? "quiet" : "primary"} href={brand.appUrl}>
          Continue to {appName}
        </ButtonLink>
      )}
      <SecuritySummary user={user} />
      {__DEMO__ && <DemoNext />}
      <SignOut />
    </AccountFrame>
  );
}
