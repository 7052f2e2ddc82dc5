import { useOnline } from "../../lib/useOnline";
import { Alert } from "../../ui/Alert";

export function OfflineNote() {
  if (useOnline()) return null;
  return <Alert tone="warning">You are offline. What you typed stays here.</Alert>;
}
