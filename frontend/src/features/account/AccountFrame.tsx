import type { ReactNode } from "react";
import { NavLink } from "react-router";
import { useAuth } from "../../lib/auth";
import { Frame } from "../../ui/Frame";
import styles from "./AccountFrame.module.css";

/** The pages in the navigation; the others are reached from them. */
const PAGES = [
  ["/", "Security"],
  ["/account/sessions", "Sessions"],
  ["/account/activity", "Activity"],
] as const;

interface AccountFrameProps {
  title: string;
  lead?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

/** The layout of every page about one's own account. */
export function AccountFrame({ children, ...frame }: AccountFrameProps) {
  const { appName } = useAuth();
  return (
    <Frame {...frame} focusTitle appName={appName}>
      <nav aria-label="Your account" className={styles.nav}>
        {PAGES.map(([path, name]) => (
          <NavLink key={path} end to={path} className={styles.link ?? ""}>
            {name}
          </NavLink>
        ))}
      </nav>
      {children}
    </Frame>
  );
}
