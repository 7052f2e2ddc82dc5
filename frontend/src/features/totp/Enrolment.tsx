import { ApiProblem } from "../../lib/api";
import { ProblemText } from "../../lib/ProblemText";
import { useMedia } from "../../lib/useMedia";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import { StepItem, Stepper } from "../../ui/Stepper";
import { AddKey } from "./AddKey";
import { ConfirmForm } from "./ConfirmForm";
import styles from "./Enrolment.module.css";
import { GetApp } from "./GetApp";
import { StartOver } from "./StartOver";
import { useEnrolment } from "./useEnrolment";

export function Enrolment() {
  const { enrolment, problem, loading, reload, startOver, startingOver, startedOver } =
    useEnrolment();

  const onTouch = useMedia("(pointer: coarse)");

  return (
    <Stepper>
      <StepItem title="Get an authenticator app">
        <GetApp onTouch={onTouch} />
      </StepItem>
      <StepItem title={onTouch ? "Add the key to your app" : "Scan the code, or copy the key"}>
        {problem instanceof ApiProblem && (
          <Alert tone="danger">
            <ProblemText problem={problem} />
          </Alert>
        )}
        {startedOver && <Alert>This is a new key. Delete the old entry from your app.</Alert>}
        {enrolment ? (
          <>
            <AddKey enrolment={enrolment} onTouch={onTouch} />
            <StartOver busy={startingOver} onConfirm={startOver} />
          </>
        ) : loading ? (
          <p className={styles.pending}>Making a key for you…</p>
        ) : (
          <div>
            <Button onClick={() => reload()}>Try again</Button>
          </div>
        )}
      </StepItem>
      <StepItem title="Enter the code your app shows">
        <ConfirmForm onKeyExpired={reload} />
      </StepItem>
    </Stepper>
  );
}
