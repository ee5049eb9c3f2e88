// texts - the console's own words; those of fields and views come from the server.
// SPDX-License-Identifier: MIT
import { createI18n } from "vue-i18n";

export type Lang = "zh-CN" | "en";

const loaders = { "zh-CN": () => import("./zh-CN.json"), en: () => import("./en.json") };

export const i18n = createI18n({
  legacy: false,
  locale: "zh-CN",
  fallbackLocale: "zh-CN",
  missingWarn: false,
  fallbackWarn: false,
  messages: {} as Record<string, Record<string, string>>,
});

export const t = i18n.global.t as (key: string, args?: Record<string, unknown>) => string;

export function langOf(text: string | null | undefined): Lang {
  return text?.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

/** Loads a language's words and shows them. */
export async function speak(lang: Lang): Promise<void> {
  const words = await loaders[lang]();
  i18n.global.setLocaleMessage(lang, words.default);
  (i18n.global.locale as unknown as { value: string }).value = lang;
  document.documentElement.lang = lang;
}
