// commands - what the palette offers beside records: going somewhere, making something, doing
// something with the record at hand. A command may lead to more of them.
// SPDX-License-Identifier: MIT
import type { MenuItem } from "@/api/types";

export interface Command {
  key: string;
  icon: string;
  text: string;
  note?: string;
  run?: () => unknown;
  into?: Command[]; // one step further
}

export interface Section {
  label: string;
  items: Command[];
}

/** The lists of the menu, each entity once. */
export const listsOf = (menu: MenuItem[]): MenuItem[] =>
  menu
    .flatMap((item) => item.items ?? [item])
    .filter(
      (item, i, all) => item.entity && all.findIndex((one) => one.entity === item.entity) === i,
    );

/** What of the menu is no list: dashboards, approvals, the way home. */
export const pagesOf = (menu: MenuItem[]): MenuItem[] =>
  menu
    .flatMap((item) => item.items ?? [item])
    .filter((item, i, all) => item.to && all.findIndex((one) => one.to === item.to) === i);

const fits = (one: Command, typed: string) =>
  `${one.text} ${one.note ?? ""} ${one.key.split(":")[1] ?? ""}`.toLowerCase().includes(typed);

/** Commands that what was typed speaks of; the inner ones of a step come along when it is typed. */
export function matching(all: Command[], typed: string): Command[] {
  if (!typed) return all;
  return all.flatMap((one) => {
    if (fits(one, typed)) return [one];
    return (one.into ?? []).filter((inner) => fits(inner, typed));
  });
}
