// menuicon - drawings for names that menus use and that are no drawing's own.
// SPDX-License-Identifier: MIT
const ALIASES: Record<string, string> = {
  account: "building",
  contact: "people",
  greeting: "send",
  qr_code: "qr-code",
};

export const menuIcon = (name: string) => ALIASES[name] ?? name;
