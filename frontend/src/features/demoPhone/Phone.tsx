import { useRef } from "react";
import { removeFromPhone, resetPhone, usePhone } from "../../lib/demoPhone";
import { Confirm } from "../../ui/Confirm";
import { AddAccount } from "./AddAccount";
import { entryIn } from "./entries";
import styles from "./Phone.module.css";
import { PhoneAccount } from "./PhoneAccount";
import { PhoneClock } from "./PhoneClock";
import { usePhoneTime } from "./usePhoneTime";

/** The accounts and their codes, how to add more, and the clock. */
export function Phone() {
  const { accounts, clockAhead } = usePhone();
  const time = usePhoneTime(clockAhead);
  const title = useRef<HTMLHeadingElement>(null);
  // The button that was pressed is gone.
  const then = (act: () => void) => () => {
    act();
    title.current?.focus();
  };

  return (
    <>
      <section aria-label="Accounts" className={styles.section}>
        <h2 ref={title} tabIndex={-1} className={styles.title}>
          Accounts
        </h2>
        {accounts.length === 0 && (
          <p className={styles.none}>
            None yet. Sign in, and choose “Add to the demo phone” next to the QR code.
          </p>
        )}
        <ul className={styles.accounts}>
          {accounts.map((link) => {
            const entry = entryIn(link);
            const remove = then(() => removeFromPhone(link));
            return entry && <PhoneAccount key={link} entry={entry} time={time} onRemove={remove} />;
          })}
        </ul>
        <AddAccount />
      </section>
      <PhoneClock time={time} secondsAhead={clockAhead} />
      <Confirm
        label="Reset the phone"
        question="Remove all accounts and set the clock right?"
        onConfirm={then(resetPhone)}
      />
    </>
  );
}
