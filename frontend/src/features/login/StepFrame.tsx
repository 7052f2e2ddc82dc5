import type { ComponentProps } from "react";
import { useAuth } from "../../lib/auth";
import { Button } from "../../ui/Button";
import { Frame } from "../../ui/Frame";
import { ExpiryNote } from "./ExpiryNote";
import { Identity } from "./Identity";
import { OfflineNote } from "./OfflineNote";

/** What every page of a login under way shares: whose it is, how to leave, and when it ends. */
export function StepFrame({
  footer,
  children,
  ...frame
}: Omit<ComponentProps<typeof Frame>, "appName">) {
  const { appName, cancel } = useAuth();
  return (
    <Frame
      {...frame}
      appName={appName}
      who={<Identity />}
      footer={
        <>
          {footer}
          <Button look="link" onClick={() => cancel("me")}>
            Back to sign-in
          </Button>
        </>
      }
    >
      <OfflineNote typing />
      <ExpiryNote />
      {children}
    </Frame>
  );
}
