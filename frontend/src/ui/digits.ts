/** The digits in what was typed or pasted, as ASCII: spaces, dashes and words around them are dropped. */
export const digitsOf = (raw: string) => raw.normalize("NFKC").replace(/[^0-9]/g, "");
