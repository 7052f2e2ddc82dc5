import { Link } from "react-router";
import { useAuth } from "../lib/auth";
import { STEP_PATH } from "../lib/steps";
import { Frame } from "../ui/Frame";
import styles from "./links.module.css";

export default function NotFound() {
  const { appName } = useAuth();
  return (
    <Frame
      focusTitle
      appName={appName}
      title="Page not found"
      lead={<p>The address may be mistyped or out of date.</p>}
    >
      <Link replace to={STEP_PATH.done} className={styles.link}>
        Go to your account
      </Link>
    </Frame>
  );
}
