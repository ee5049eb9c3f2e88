// screens - every screen of a desktop, in Chinese by day and in English by night.
// SPDX-License-Identifier: MIT
import { DESKTOP, ENGLISH } from "../kit/browser.mjs";
import { crawl } from "../kit/screens.mjs";

crawl([
  ["desktop", DESKTOP, "light", "zh-CN"],
  ["english", ENGLISH, "dark", "en"],
]);
