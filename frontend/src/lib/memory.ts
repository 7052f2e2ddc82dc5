import { type Brand, UNKNOWN_BRAND } from "./brand";
import { storage } from "./storage";

/** What is kept between reloads, and is no secret: the typed email address, and the name and look of the app. */
const EMAIL = "focys.email";
const BRAND = "focys.brand";

export const rememberedEmail = () => storage.get(EMAIL) ?? "";
export const rememberEmail = (email: string) => storage.set(EMAIL, email);
export const forgetEmail = () => storage.remove(EMAIL);

export const rememberBrand = (brand: Brand) => storage.set(BRAND, JSON.stringify(brand));

export function rememberedBrand(): Brand {
  try {
    return { ...UNKNOWN_BRAND, ...JSON.parse(storage.get(BRAND) ?? "{}") };
  } catch {
    return UNKNOWN_BRAND;
  }
}
