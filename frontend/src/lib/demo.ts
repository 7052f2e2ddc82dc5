/** Where the demo phone is. Only the pages built for `focys serve --demo` have it. */
export const PHONE_PATH = "/demo/phone";
