// words - what editing a dashboard says, loaded with it.
// SPDX-License-Identifier: MIT
import { addWords } from "@/texts";

const words = {
  "zh-CN": () => import("@/texts/dash.zh-CN.json"),
  en: () => import("@/texts/dash.en.json"),
};

export const dashWords = () => addWords(words);
