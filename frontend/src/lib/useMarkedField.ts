import { type RefObject, useEffect, useRef } from "react";

/** A field that is focused and selected whenever it gets a new error, so that typing replaces the wrong value. */
export function useMarkedField(error: unknown): RefObject<HTMLInputElement | null> {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!error) return;
    field.current?.focus();
    field.current?.select();
  }, [error]);
  return field;
}
