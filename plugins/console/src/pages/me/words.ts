// words - what one's own settings say, loaded with them.
// SPDX-License-Identifier: MIT
import { addWords } from "@/texts";

const words = {
  "zh-CN": () => import("@/texts/me.zh-CN.json"),
  en: () => import("@/texts/me.en.json"),
};

export const meWords = () => addWords(words);
