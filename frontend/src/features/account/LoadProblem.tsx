import type { ApiProblem } from "../../lib/api";
import { ProblemText } from "../../lib/ProblemText";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";

interface LoadProblemProps {
  problem: ApiProblem;
  loading: boolean;
  reload(): void;
}

/** Says why a part of the page did not load, and tries again on request. */
export function LoadProblem({ problem, loading, reload }: LoadProblemProps) {
  return (
    <>
      <Alert tone="danger">
        <ProblemText problem={problem} />
      </Alert>
      <Button busy={loading} onClick={() => reload()}>
        Try again
      </Button>
    </>
  );
}
