/** What the operator has set about the pages: name, logo, accent color, application, and where people get help. */
import { addressOf, type Status } from "./api";

export interface Brand {
  /** Empty until the server has named the app. */
  appName: string;
  logo: string | null;
  accent: { light: string; dark: string } | null;
  appUrl: string | null;
  /** An email address, or the address of a page. */
  support: string | null;
}

export const UNKNOWN_BRAND: Brand = {
  appName: "",
  logo: null,
  accent: null,
  appUrl: null,
  support: null,
};

/** An upgrade replaces the pages first, and the previous version of the service sends no branding. */
export function brandOf({
  app_name: appName,
  branding,
}: Pick<Status, "app_name"> & Partial<Status>): Brand {
  if (!branding) return { ...UNKNOWN_BRAND, appName };
  const { logo = null, accent = null, app_url: appUrl = null, support = null } = branding;
  return { appName, logo: logo && addressOf(logo), accent, appUrl, support };
}

/** The link for a contact. */
export const contactHref = (contact: string) =>
  /^https?:/.test(contact) ? contact : `mailto:${contact}`;

export const contactName = (contact: string) => contact.replace(/^https?:\/\/|\/$/g, "");
