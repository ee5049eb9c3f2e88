// texts - the console's own words; those of fields and views come from the server.
// SPDX-License-Identifier: MIT
//
// Words that only some screens say are loaded with them (addWords), so that signing in and the
// first list do not carry them.
import { createI18n } from "vue-i18n";

export type Lang = "zh-CN" | "en";
type Words = Record<string, string>;
type Loaders = Record<Lang, () => Promise<{ default: Words }>>;

const loaders: Loaders = { "zh-CN": () => import("./zh-CN.json"), en: () => import("./en.json") };
const more: Loaders[] = [];

export const i18n = createI18n({
  legacy: false,
  locale: "zh-CN",
  fallbackLocale: "zh-CN",
  pluralRules: { en: (count) => (count === 1 ? 0 : 1) }, // "{n} record | {n} records"
  missingWarn: false,
  fallbackWarn: false,
  messages: {} as Record<string, Words>,
});

export const t = i18n.global.t as (key: string, args?: Record<string, unknown>) => string;

export function langOf(text: string | null | undefined): Lang {
  return text?.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

async function wordsOf(lang: Lang, all: Loaders[]): Promise<Words> {
  const parts = await Promise.all(all.map((one) => one[lang]()));
  return Object.assign({}, ...parts.map((part) => part.default)) as Words;
}

/** Loads a language's words and shows them. */
export async function speak(lang: Lang): Promise<void> {
  i18n.global.setLocaleMessage(lang, await wordsOf(lang, [loaders, ...more]));
  (i18n.global.locale as unknown as { value: string }).value = lang;
  document.documentElement.lang = lang;
}

/** The words of a part of the console, in the language at hand and in whatever comes after it. */
export async function addWords(words: Loaders): Promise<void> {
  if (more.includes(words)) return;
  const lang = (i18n.global.locale as unknown as { value: Lang }).value;
  const found = await wordsOf(lang, [words]);
  more.push(words);
  i18n.global.mergeLocaleMessage(lang, found);
}
