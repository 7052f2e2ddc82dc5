import { Phone } from "../features/demoPhone/Phone";
import { Frame } from "../ui/Frame";

/** An authenticator app in the browser, for trying the sign-in without a phone. */
export default function DemoPhone() {
  return (
    <Frame
      focusTitle
      appName=""
      title="Demo phone"
      lead={
        <p>
          An authenticator app for this demo. It keeps its keys unprotected in this browser, so use
          it for nothing else.
        </p>
      }
    >
      <Phone />
    </Frame>
  );
}
