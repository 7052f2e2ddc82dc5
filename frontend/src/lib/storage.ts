/** The browser's storage. Where the browser blocks it, values last until the page is left. */
function storageIn(area: () => Storage) {
  const inMemory = new Map<string, string>();
  return {
    get: (key: string): string | null =>
      or(
        () => area().getItem(key),
        () => inMemory.get(key) ?? null,
      ),
    set: (key: string, value: string): void =>
      or(
        () => area().setItem(key, value),
        () => void inMemory.set(key, value),
      ),
    remove: (key: string): void =>
      or(
        () => area().removeItem(key),
        () => void inMemory.delete(key),
      ),
  };
}

function or<T>(access: () => T, blocked: () => T): T {
  try {
    return access();
  } catch {
    return blocked();
  }
}

/** This tab's storage. */
export const storage = storageIn(() => sessionStorage);

/** The storage of all tabs, which outlives them. Only the demo phone uses it. */
export const lastingStorage = storageIn(() => localStorage);
