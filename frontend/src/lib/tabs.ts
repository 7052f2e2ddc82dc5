/** Tells the other tabs of this browser that the sign-in moved. They ask the server themselves; nothing else travels. */
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("focys");

export function tellOtherTabs(): void {
  channel?.postMessage("moved");
}

export function onOtherTab(act: () => void): () => void {
  channel?.addEventListener("message", act);
  return () => channel?.removeEventListener("message", act);
}
