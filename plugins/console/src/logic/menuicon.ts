// menuicon - drawings for names that menus use and that are no drawing's own.
// SPDX-License-Identifier: MIT
const ALIASES: Record<string, string> = {
  account: "building",
  contact: "people",
  greeting: "send",
};

export const menuIcon = (name: string) => ALIASES[name] ?? name;
