// words - what a list shown in another way, a ranking and a goal say, loaded with them.
// SPDX-License-Identifier: MIT
import { addWords } from "@/texts";

const words = {
  "zh-CN": () => import("@/texts/modes.zh-CN.json"),
  en: () => import("@/texts/modes.en.json"),
};

/** A part of the console with its words. */
export async function worded<T>(part: Promise<T>): Promise<T> {
  const [found] = await Promise.all([part, addWords(words)]);
  return found;
}
