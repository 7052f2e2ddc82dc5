import { expect, test } from "vitest";
import { grouped } from "./grouped";

test.each([
  ["7k3mqz9x0v4tb8cd", "7K3M-QZ9X-0V4T-B8CD"],
  ["7k3m qz9x – 0v4t_b8cd", "7K3M-QZ9X-0V4T-B8CD"],
  ["7k3m", "7K3M"],
  ["7k3mq", "7K3M-Q"],
  ["", ""],
])("%j reads %j", (typed, shown) => {
  expect(grouped(typed)).toBe(shown);
});
