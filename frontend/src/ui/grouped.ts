/** The letters and digits of a long code in capitals, whatever stood between them. */
export const lettersOf = (raw: string) =>
  raw
    .normalize("NFKC")
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, "");

/** XXXX-XXXX-XXXX-XXXX, as far as it goes. */
export const grouped = (raw: string) => lettersOf(raw).replace(/(.{4})(?=.)/g, "$1-");
