import { type RefObject, useEffect, useRef } from "react";

/** A field that is selected again whenever a new error appears on it, so the next key replaces what was wrong. */
export function useMarkedField(error: unknown): RefObject<HTMLInputElement | null> {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!error) return;
    field.current?.focus();
    field.current?.select();
  }, [error]);
  return field;
}
