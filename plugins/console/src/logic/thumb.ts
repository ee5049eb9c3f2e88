// thumb - the four things of a phone's bar: the way home and what somebody works with.
// SPDX-License-Identifier: MIT
import type { MenuItem } from "@/api/types";

export const THUMBS = 4;
const hasAny = (items: MenuItem[]) => items.length > 0;

/**
 * What is set up ("right") is never there. Two of the first group in which somebody makes two
 * kinds of record or more; the first that they make of each other group; their inbox, which is
 * what has an address of its own; and then what they may read, group by group. All of it in the
 * order of the menu.
 */
export function thumbOf(menu: MenuItem[], may: (entity: string) => boolean): MenuItem[] {
  const groups = menu
    .filter((item) => item.items)
    .map((group) => (group.items ?? []).filter((item) => !item.right && !item.items));
  const isMade = (item: MenuItem) => item.add !== false && !item.to && may(item.entity ?? "");
  const made = groups.map((items) => items.filter(isMade));
  const main = made.find((items) => items.length > 1) ?? [...made, ...groups].find(hasAny);
  const inboxes = made.some(hasAny) ? groups.flat().filter(({ to }) => to) : [];
  const wanted = [
    ...menu.filter((item) => !item.items && item.to === "home"),
    ...(main ?? []).slice(0, 2),
    ...made.filter((items) => items !== main).flatMap((items) => items.slice(0, 1)),
    ...inboxes,
    ...groups.flatMap((items) => items.slice(0, 1)),
    ...menu.filter((item) => !item.items && !item.right),
    ...groups.flat(),
  ];
  const chosen = new Set([...new Set(wanted)].slice(0, THUMBS));
  return menu.flatMap((item) => [item, ...(item.items ?? [])]).filter((item) => chosen.has(item));
}
