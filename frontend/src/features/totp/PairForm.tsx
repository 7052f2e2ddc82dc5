import { useAuth } from "../../lib/auth";
import { usePairForm } from "../../lib/usePairForm";
import { Button } from "../../ui/Button";
import { CodeField } from "../../ui/CodeField";
import { Form } from "../../ui/Form";

/** Two codes in a row: a guesser cannot get them, and the owner has them after half a minute. */
export function PairForm() {
  const { verifyTotpPair } = useAuth();
  const form = usePairForm(verifyTotpPair);

  return (
    <Form onSubmit={() => form.submit()} slow={form.slow}>
      <CodeField id="code-older" {...form.older} />
      <CodeField id="code-newer" {...form.newer} />
      <Button type="submit" look="primary" busy={form.busy}>
        Sign in
      </Button>
    </Form>
  );
}
