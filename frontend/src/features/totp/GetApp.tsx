/** On a phone, nobody needs advice on what to do without one. */
export function GetApp({ onTouch }: { onTouch: boolean }) {
  return (
    <p>
      Any authenticator app works: Google Authenticator, Microsoft Authenticator, Apple Passwords,
      Ente Auth.
      {!onTouch && " Or use a password manager on your computer."}
    </p>
  );
}
