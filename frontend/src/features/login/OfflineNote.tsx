import { useOnline } from "../../lib/useOnline";
import { Alert } from "../../ui/Alert";

/** `typing`: the page has a form, whose contents could be lost. */
export function OfflineNote({ typing = false }: { typing?: boolean }) {
  if (useOnline()) return null;
  return <Alert tone="warning">You are offline.{typing && " What you typed stays here."}</Alert>;
}
