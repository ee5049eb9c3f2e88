// settings - what a person has chosen for this browser: language, theme, density, shortcuts.
// SPDX-License-Identifier: MIT
import { defineStore } from "pinia";
import { reactive, ref, watch } from "vue";
import { http } from "@/api/http";
import { type Lang, langOf, speak, t } from "@/texts";

export type Theme = "system" | "light" | "dark";

interface Settings {
  lang: Lang;
  theme: Theme;
  density: "normal" | "compact";
  letters: boolean; // single-letter shortcuts (WCAG 2.1.4: they can be turned off)
  rail: boolean; // the navigation shows words, not only icons
}

const KEY = "perigee.settings";

/** Storage may be forbidden or full: then choices last as long as the page. */
export function kept<T>(key: string): Partial<T> {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "{}") as Partial<T>;
  } catch {
    return {};
  }
}

export function keep(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // see kept
  }
}

export const useSettings = defineStore("settings", () => {
  const first: Settings = {
    lang: langOf(navigator.language),
    theme: "system",
    density: "normal",
    letters: true,
    rail: true,
  };
  const settings = reactive<Settings>({ ...first, ...kept<Settings>(KEY) });
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = ref(false); // what is shown, whoever has chosen it

  function paint() {
    const isDark = settings.theme === "dark" || (settings.theme === "system" && system.matches);
    document.documentElement.classList.toggle("dark", isDark);
    dark.value = isDark;
    document.documentElement.dataset.density = settings.density;
  }

  async function setLang(lang: Lang) {
    await speak(lang);
    settings.lang = lang;
    http.lang = lang;
    http.texts = { offline: t("error.offline"), failed: t("error.failed") };
  }

  system.addEventListener("change", paint);
  watch(settings, () => {
    keep(KEY, settings);
    paint();
  });
  paint();
  return { settings, dark, setLang };
});
