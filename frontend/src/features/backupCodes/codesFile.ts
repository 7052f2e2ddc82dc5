/** The backup codes as a text file that still makes sense in three years. */
export interface CodesFile {
  app: string;
  account: string;
  url: string;
  date: Date;
  codes: readonly string[];
}

const day = (date: Date) =>
  [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-");

/** A file name that is valid everywhere. */
export function fileName({ app, date }: Pick<CodesFile, "app" | "date">): string {
  const slug = app
    .normalize("NFC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");
  return `${slug || "focys"}-backup-codes-${day(date)}.txt`;
}

export function fileText({ app, account, url, date, codes }: CodesFile): string {
  return [
    `${app} backup codes`,
    "",
    `Account: ${account}`,
    `Created: ${day(date)}`,
    `Sign in: ${url}`,
    "",
    "Each code works once, in place of the code from your app.",
    "",
    ...codes,
    "",
  ].join("\n");
}

/** Have the browser download *text* as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
