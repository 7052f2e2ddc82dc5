/** This tab's storage. Where the browser blocks it, values last until the page is left. */
const inMemory = new Map<string, string>();

export const storage = {
  get: (key: string): string | null =>
    tried(() => sessionStorage.getItem(key)) ?? inMemory.get(key) ?? null,
  set(key: string, value: string): void {
    inMemory.set(key, value);
    tried(() => sessionStorage.setItem(key, value));
  },
  remove(key: string): void {
    inMemory.delete(key);
    tried(() => sessionStorage.removeItem(key));
  },
};

/** The result of *access*, or null if the browser refuses it. */
function tried<T>(access: () => T): T | null {
  try {
    return access();
  } catch {
    return null;
  }
}
