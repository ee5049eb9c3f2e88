// words - what administration says, loaded with it.
// SPDX-License-Identifier: MIT
import { addWords } from "@/texts";

const words = {
  "zh-CN": () => import("@/texts/admin.zh-CN.json"),
  en: () => import("@/texts/admin.en.json"),
};

export const adminWords = () => addWords(words);
