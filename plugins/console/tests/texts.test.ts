// texts - every word that the console uses is there in both languages, and none is left over.
// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import adminEn from "@/texts/admin.en.json";
import adminZh from "@/texts/admin.zh-CN.json";
import dashEn from "@/texts/dash.en.json";
import dashZh from "@/texts/dash.zh-CN.json";
import meEn from "@/texts/me.en.json";
import meZh from "@/texts/me.zh-CN.json";
import modesEn from "@/texts/modes.en.json";
import modesZh from "@/texts/modes.zh-CN.json";
import mainEn from "@/texts/en.json";
import mainZh from "@/texts/zh-CN.json";
import { i18n } from "@/texts";

const zh: Record<string, string> = { ...mainZh, ...adminZh, ...dashZh, ...meZh, ...modesZh };
const en: Record<string, string> = { ...mainEn, ...adminEn, ...dashEn, ...meEn, ...modesEn };

const SRC = join(__dirname, "../src");
const files = (readdirSync(SRC, { recursive: true }) as string[]).filter((name) =>
  /\.(ts|vue)$/.test(name),
);
const source = files.map((name) => readFileSync(join(SRC, name), "utf8")).join("\n");
// keys that are put together: t(`op.${…}`)
const BUILT = [...source.matchAll(/`([a-z_]+\.[a-z_]*)\$\{/g)].map((match) => match[1]);
const literal = [...source.matchAll(/["'`]([a-z_]+(?:\.[a-z_0-9]+)*)["'`]/g)].map(
  (match) => match[1],
);
const called = [...source.matchAll(/\bt\(\s*["']([a-z_.0-9]+)["']/g)].map((match) => match[1]);

it("says each thing once", () => {
  expect(Object.keys(adminZh).filter((key) => key in mainZh)).toEqual([]);
  expect(Object.keys(dashZh).filter((key) => key in mainZh || key in adminZh)).toEqual([]);
});

it("has the same keys in both languages", () => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
});

it("has a word for every key that is used", () => {
  expect(called.filter((key) => !(key in zh))).toEqual([]);
});

it("has no word that nothing uses", () => {
  const used = new Set(literal);
  const left = Object.keys(zh).filter(
    (key) => !used.has(key) && !BUILT.some((prefix) => key.startsWith(prefix)),
  );
  expect(left).toEqual([]);
});

it("takes the same arguments in both languages", () => {
  const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
  for (const [key, text] of Object.entries(zh)) {
    // "one record | {n} records": each form of a language takes the same
    for (const form of en[key].split(" | ")) expect(names(form), key).toEqual(names(text));
  }
});

it("says one record and two records", async () => {
  i18n.global.setLocaleMessage("en", mainEn);
  (i18n.global.locale as unknown as { value: string }).value = "en";
  const { t } = i18n.global;
  expect(t("bulk.done_delete", { n: "1", count: 1 })).toBe("1 record deleted");
  expect(t("bulk.done_delete", { n: "1,500", count: 1500 })).toBe("1,500 records deleted");
  expect(t("export.of", { n: "10,000+" })).toBe("Export 10,000+ records");
  expect(t("hint.wait", { n: 1 })).toBe("Try again in 1 second.");
});
