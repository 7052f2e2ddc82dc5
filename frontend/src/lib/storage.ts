/** This tab's storage. Where the browser blocks it, values last until the page is left. */
const inMemory = new Map<string, string>();

export const storage = {
  get: (key: string): string | null =>
    or(
      () => sessionStorage.getItem(key),
      () => inMemory.get(key) ?? null,
    ),
  set: (key: string, value: string): void =>
    or(
      () => sessionStorage.setItem(key, value),
      () => void inMemory.set(key, value),
    ),
  remove: (key: string): void =>
    or(
      () => sessionStorage.removeItem(key),
      () => void inMemory.delete(key),
    ),
};

function or<T>(access: () => T, blocked: () => T): T {
  try {
    return access();
  } catch {
    return blocked();
  }
}
