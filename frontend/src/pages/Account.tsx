import { AccountFacts } from "../features/account/AccountFacts";
import { CodesLeft } from "../features/account/CodesLeft";
import { DemoNext } from "../features/account/DemoNext";
import { SignOut } from "../features/account/SignOut";
import { OfflineNote } from "../features/login/OfflineNote";
import { useAuth } from "../lib/auth";
import { Frame } from "../ui/Frame";

export default function Account() {
  const { appName, state } = useAuth();
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
      <CodesLeft user={user} usedOne={usedBackupCode} />
      <AccountFacts user={user} />
      {__DEMO__ && <DemoNext />}
      <SignOut />
    </Frame>
  );
}
