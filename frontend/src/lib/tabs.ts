/** Tells the other tabs that the sign-in state has changed, and nothing more: they ask the server themselves. */
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("focys");

export function tellOtherTabs(): void {
  channel?.postMessage("changed");
}

export function onOtherTab(listener: () => void): () => void {
  channel?.addEventListener("message", listener);
  return () => channel?.removeEventListener("message", listener);
}
