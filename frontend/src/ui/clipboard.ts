/** Put *text* on the clipboard; answers whether that worked (it needs https or localhost, and permission). */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
