import styles from "./GetApp.module.css";

const APPS: readonly (readonly [string, string])[] = [
  ["Google Authenticator", "Android, iPhone"],
  ["Microsoft Authenticator", "Android, iPhone"],
  ["Apple Passwords", "iPhone, iPad, Mac"],
  ["Ente Auth", "phone and computer"],
];

/** On a phone, nobody needs advice on what to do without one. */
export function GetApp({ onTouch }: { onTouch: boolean }) {
  return (
    <>
      <ul className={styles.apps}>
        {APPS.map(([name, where]) => (
          <li key={name}>
            <span className={styles.name}>{name}</span>
            <span>{where}</span>
          </li>
        ))}
      </ul>
      <p>
        Any authenticator app works.
        {!onTouch &&
          " No phone? On a computer, use a password manager such as 1Password, Bitwarden or KeePassXC."}
      </p>
    </>
  );
}
