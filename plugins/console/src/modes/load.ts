// load - the ways to show a list that come with their words when somebody chooses them.
// SPDX-License-Identifier: MIT
import { worded } from "./words";

export const chart = () => worded(import("./ChartMode.vue"));
export const tree = () => worded(import("./TreeMode.vue"));
export const timeline = () => worded(import("./TimeMode.vue"));
