import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";

// What is fetched here is secret or personal: it is dropped as soon as no page shows it.
const client = new QueryClient({ defaultOptions: { queries: { retry: false, gcTime: 0 } } });

/** Server data for the pages behind it; kept out of the sign-in page, which needs none. */
export function ServerData({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
