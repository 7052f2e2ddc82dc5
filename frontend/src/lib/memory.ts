import { storage } from "./storage";

/** What is kept between reloads, and is no secret: the typed email address and the app's name. */
const EMAIL = "focys.email";
const APP = "focys.app";

export const rememberedEmail = () => storage.get(EMAIL) ?? "";
export const rememberEmail = (email: string) => storage.set(EMAIL, email);
export const forgetEmail = () => storage.remove(EMAIL);

export const rememberedAppName = () => storage.get(APP) ?? "";
export const rememberAppName = (name: string) => storage.set(APP, name);
