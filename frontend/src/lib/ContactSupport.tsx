import { useAuth } from "./auth";
import { contactHref, contactName } from "./brand";

/** A sentence that says whom to contact; nothing if the operator has not set it. */
export function ContactSupport({ when = "" }: { when?: string }) {
  const { support } = useAuth().brand;
  if (!support) return null;
  return (
    <>
      {when ? `${when}, contact ` : " Contact "}
      <a href={contactHref(support)}>{contactName(support)}</a>.
    </>
  );
}
