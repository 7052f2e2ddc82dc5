/** What is kept between reloads, and is no secret: the typed email address and the app's name. */
const EMAIL = "focys.email";
const APP = "focys.app";

export const rememberedEmail = () => sessionStorage.getItem(EMAIL) ?? "";
export const rememberEmail = (email: string) => sessionStorage.setItem(EMAIL, email);
export const forgetEmail = () => sessionStorage.removeItem(EMAIL);

export const rememberedAppName = () => sessionStorage.getItem(APP) ?? "";
export const rememberAppName = (name: string) => sessionStorage.setItem(APP, name);
