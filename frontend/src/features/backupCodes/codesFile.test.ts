import { expect, test } from "vitest";
import { fileName, fileText } from "./codesFile";

const date = new Date(2026, 1, 3, 23, 59);
const codes = ["7K3M-QZ9X-0V4T-B8CD", "1R5N-HJ2W-6YFP-3SGE"];

test.each([
  ["Acme Tasks", "acme-tasks-backup-codes-2026-02-03.txt"],
  ["../../etc/passwd", "etc-passwd-backup-codes-2026-02-03.txt"],
  ["Büro & Co.", "büro-co-backup-codes-2026-02-03.txt"],
  ["🙂", "focys-backup-codes-2026-02-03.txt"],
])("the file for %j is named %j", (app, name) => {
  expect(fileName({ app, date })).toBe(name);
});

test("the file says what it is for, and contains one code per line", () => {
  const text = fileText({
    app: "Acme Tasks",
    account: "alice@student.com",
    url: "https://acme.example",
    date,
    codes,
  });
  const lines = text.split("\n");

  expect(lines[0]).toBe("Acme Tasks backup codes");
  expect(lines).toContain("Account: alice@student.com");
  expect(lines).toContain("Created: 2026-02-03");
  expect(lines).toContain("Sign in: https://acme.example");
  expect(lines.filter((line) => codes.includes(line))).toEqual(codes);
});
