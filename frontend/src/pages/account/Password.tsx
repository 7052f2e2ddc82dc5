import { AccountFrame } from "../../features/account/AccountFrame";
import { ChangePassword } from "../../features/account/ChangePassword";
import { OfflineNote } from "../../features/login/OfflineNote";
import { useAuth } from "../../lib/auth";

export default function Password() {
  const { state } = useAuth();
  if (state.at !== "signed_in") return null;
  return (
    <AccountFrame
      title="Change your password"
      lead={<p>When you change it, you stay signed in here and are signed out everywhere else.</p>}
    >
      <OfflineNote typing />
      <ChangePassword email={state.user.email} />
    </AccountFrame>
  );
}
