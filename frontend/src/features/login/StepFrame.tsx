import type { ComponentProps } from "react";
import { useAuth } from "../../lib/auth";
import { Button } from "../../ui/Button";
import { Frame } from "../../ui/Frame";
import { ExpiryNote } from "./ExpiryNote";
import { Identity } from "./Identity";
import { OfflineNote } from "./OfflineNote";

interface StepFrameProps extends Omit<ComponentProps<typeof Frame>, "appName"> {
  /** The page stays when the login expires, so it shows no warning before that. */
  outlastsLogin?: boolean;
}

/** The layout of every page of a login in progress: whose it is, how to leave, and when it expires. */
export function StepFrame({ outlastsLogin = false, footer, children, ...frame }: StepFrameProps) {
  const { appName, cancel } = useAuth();
  return (
    <Frame
      {...frame}
      appName={appName}
      who={<Identity />}
      footer={
        <>
          {footer}
          <Button look="link" onClick={() => cancel()}>
            Back to sign-in
          </Button>
        </>
      }
    >
      <OfflineNote typing />
      {!outlastsLogin && <ExpiryNote />}
      {children}
    </Frame>
  );
}
