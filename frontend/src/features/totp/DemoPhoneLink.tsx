import { PHONE_PATH } from "../../lib/demo";
import { addToPhone } from "../../lib/demoPhone";
import { ButtonLink } from "../../ui/ButtonLink";

/** Adds the key to the demo phone, which opens in a tab of its own. */
export function DemoPhoneLink({ uri }: { uri: string }) {
  return (
    <ButtonLink href={PHONE_PATH} target="focys-demo-phone" onClick={() => addToPhone(uri)}>
      Add to the demo phone
    </ButtonLink>
  );
}
