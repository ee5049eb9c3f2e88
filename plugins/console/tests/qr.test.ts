// qr.test - a code's token is drawn as a QR code.
// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { createApp } from "vue";
import type { Field, Rec } from "@/api/types";
import QrWidget from "@/record/QrWidget.vue";

function drawn(token: string | null) {
  const host = document.createElement("div");
  const props = { record: { token } as unknown as Rec, field: { name: "token" } as Field };
  createApp(QrWidget, props).mount(host);
  return host;
}

test("a token is drawn with its quiet border and its three corners", () => {
  const host = drawn("0123456789abcdef0123456789abcdef");
  const svg = host.querySelector("svg")!;
  const size = Number(svg.getAttribute("viewBox")!.split(" ")[2]);
  const path = host.querySelector("path")!.getAttribute("d")!;
  const isDark = (x: number, y: number) => path.includes(`M${x} ${y}h1`);
  for (const [x, y] of [
    [4, 4],
    [size - 11, 4],
    [4, size - 11],
  ]) {
    expect([isDark(x, y), isDark(x + 6, y), isDark(x + 1, y + 1)]).toEqual([true, true, false]);
    expect(isDark(x + 3, y + 3)).toBe(true);
  }
  expect(isDark(3, 4) || isDark(4, 3)).toBe(false);
  expect(svg.getAttribute("aria-label")).toBe("0123456789abcdef0123456789abcdef");
});

test("where there is no token nothing is drawn, and another one looks different", () => {
  expect(drawn(null).querySelector("svg")).toBeNull();
  const path = (token: string) => drawn(token).querySelector("path")!.getAttribute("d");
  expect(path("a".repeat(32))).not.toBe(path("b".repeat(32)));
});
