import { useState } from "react";
import { ApiProblem, api, type Enrollment } from "../../lib/api";
import { useAuth } from "../../lib/auth";
import { useStepUp } from "./StepUp";

/** The key of a new phone. Nothing changes until a code confirms it; `name` is then its name in the app. */
export function useNewPhone() {
  const { confirmAuthenticator } = useAuth();
  const [enrollment, setEnrollment] = useState<Enrollment>();
  const [startedOver, setStartedOver] = useState(false);
  const [name, setName] = useState<string>();

  const key = useStepUp(async (restart: boolean) => {
    setStartedOver(false);
    setEnrollment(await api.newAuthenticator(restart));
    setStartedOver(restart);
  });
  const { dialog, ...confirmation } = useStepUp(async (code: string) => {
    try {
      await confirmAuthenticator(code);
    } catch (fault) {
      if (fault instanceof ApiProblem && fault.code === "enrolment_expired") void key.run(false);
      throw fault;
    }
    if (enrollment) setName(`${enrollment.issuer}: ${enrollment.account}`);
  });

  return {
    name,
    dialog: key.dialog ?? dialog,
    setup: {
      enrollment,
      problem: key.problem,
      loading: key.busy,
      reload: () => key.run(false),
      startOver: () => key.run(true),
      startingOver: key.busy,
      startedOver,
      confirmation,
    },
  };
}
