import { useLayoutEffect } from "react";
import type { Brand } from "./brand";

/** Gives the pages the operator's accent color; `tokens.css` uses it in place of ours. */
export function useAccent(accent: Brand["accent"]): void {
  useLayoutEffect(() => {
    const { style } = document.documentElement;
    for (const theme of ["light", "dark"] as const)
      if (accent) style.setProperty(`--accent-${theme}`, accent[theme]);
      else style.removeProperty(`--accent-${theme}`);
  }, [accent]);
}
