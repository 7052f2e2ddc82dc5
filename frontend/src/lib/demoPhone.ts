/** What the demo phone stores in this browser: its accounts, as otpauth links, and how far its clock is ahead. */
import { useSyncExternalStore } from "react";
import { lastingStorage } from "./storage";

const KEY = "focys.demo.phone";

export interface PhoneState {
  accounts: readonly string[];
  /** In seconds; negative if the phone's clock is behind. */
  clockAhead: number;
}

const NEW_PHONE: PhoneState = { accounts: [], clockAhead: 0 };
const listeners = new Set<() => void>();
let latest: [string | null, PhoneState] = [null, NEW_PHONE];

function read(): PhoneState {
  const text = lastingStorage.get(KEY);
  // React compares snapshots by identity, so the same text must give the same object.
  if (text !== latest[0]) latest = [text, { ...NEW_PHONE, ...JSON.parse(text ?? "{}") }];
  return latest[1];
}

function update(change: Partial<PhoneState>): void {
  lastingStorage.set(KEY, JSON.stringify({ ...read(), ...change }));
  for (const listener of listeners) listener();
}

/** Adds an account, unless the phone has it already; returns whether it is new. */
export function addToPhone(link: string): boolean {
  const { accounts } = read();
  if (accounts.includes(link)) return false;
  update({ accounts: [...accounts, link] });
  return true;
}

export function removeFromPhone(link: string): void {
  update({ accounts: read().accounts.filter((account) => account !== link) });
}

export function moveClock(seconds: number): void {
  update({ clockAhead: read().clockAhead + seconds });
}

export function setClockRight(): void {
  update({ clockAhead: 0 });
}

export function resetPhone(): void {
  update(NEW_PHONE);
}

/** Signing out clears the site's storage; a real phone would not notice. */
export async function keepPhone(act: () => Promise<unknown>): Promise<void> {
  const kept = read();
  await act();
  update(kept);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}

/** The phone's state, also when another tab changes it. */
export const usePhone = () => useSyncExternalStore(subscribe, read);
