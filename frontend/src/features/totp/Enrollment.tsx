import { useState } from "react";
import { ProblemText } from "../../lib/ProblemText";
import { useMedia } from "../../lib/useMedia";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import { StepItem, Stepper } from "../../ui/Stepper";
import { AddKey, AddKeyOnPhone, ScanKey } from "./AddKey";
import { ConfirmForm } from "./ConfirmForm";
import styles from "./Enrollment.module.css";
import { GetApp } from "./GetApp";
import { StartOver } from "./StartOver";
import type { Setup } from "./useEnrollment";

/** The three steps of adding a key to an app. */
export function Enrollment({ setup }: { setup: Setup }) {
  const { enrollment, problem, loading, reload, startOver, startingOver, startedOver } = setup;
  const onTouch = useMedia("(pointer: coarse)");
  const hasRoom = useMedia("(min-width: 48rem)");
  const [appOpened, setAppOpened] = useState(false);

  return (
    <div className={styles.columns}>
      {!onTouch && hasRoom && (
        <div className={styles.scan}>{enrollment && <ScanKey enrollment={enrollment} />}</div>
      )}
      <Stepper>
        <StepItem title="Get an authenticator app">
          <GetApp onTouch={onTouch} />
        </StepItem>
        <StepItem title={onTouch ? "Add the key to your app" : "Scan the QR code, or copy the key"}>
          {problem && (
            <Alert tone="danger">
              <ProblemText problem={problem} />
            </Alert>
          )}
          {startedOver && <Alert>This is a new key. Delete the old entry from your app.</Alert>}
          {enrollment ? (
            onTouch ? (
              <AddKeyOnPhone enrollment={enrollment} onOpen={() => setAppOpened(true)} />
            ) : (
              <>
                {!hasRoom && <ScanKey enrollment={enrollment} />}
                <AddKey enrollment={enrollment} />
              </>
            )
          ) : loading ? (
            <p className={styles.pending}>Creating your key…</p>
          ) : (
            <div>
              <Button onClick={() => reload()}>Try again</Button>
            </div>
          )}
        </StepItem>
        <StepItem title="Enter the code your app shows">
          <ConfirmForm confirmation={setup.confirmation} appOpened={appOpened} />
          {enrollment && <StartOver busy={startingOver} onConfirm={startOver} />}
        </StepItem>
      </Stepper>
    </div>
  );
}
