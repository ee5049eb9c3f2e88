// screens_phone - every screen of a phone, by day and by night.
// SPDX-License-Identifier: MIT
import { PHONE } from "../kit/browser.mjs";
import { crawl } from "../kit/screens.mjs";

crawl([
  ["phone", PHONE, "dark", "zh-CN"],
  ["phone", PHONE, "light", "zh-CN"],
]);
