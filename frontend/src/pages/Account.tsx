import { AccountFacts } from "../features/account/AccountFacts";
import { CodesLeft } from "../features/account/CodesLeft";
import { DemoNext } from "../features/account/DemoNext";
import { SignOut } from "../features/account/SignOut";
import { UnsavedCodes } from "../features/account/UnsavedCodes";
import { OfflineNote } from "../features/login/OfflineNote";
import { useAuth } from "../lib/auth";
import { ButtonLink } from "../ui/ButtonLink";
import { Frame } from "../ui/Frame";

export default function Account() {
  const { appName, brand, state } = useAuth();
  if (state.at !== "signed_in") return null;
  const { user, usedBackupCode } = state;
  return (
    <Frame
      focusTitle
      appName={appName}
      title={user.display_name || "Your account"}
      lead={<p>{user.email}</p>}
    >
      <OfflineNote />
      <UnsavedCodes user={user} />
      <CodesLeft user={user} usedOne={usedBackupCode} />
      {brand.appUrl && (
        <ButtonLink look={user.backup_codes_unsaved ? "quiet" : "primary"} href={brand.appUrl}>
          Continue to {appName}
        </ButtonLink>
      )}
      <AccountFacts user={user} />
      {__DEMO__ && <DemoNext />}
      <SignOut />
    </Frame>
  );
}
