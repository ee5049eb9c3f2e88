// menuedit - the menu while it is edited: entries, groups of one's own, and what is kept of both.
// SPDX-License-Identifier: MIT
import { CUSTOM, type Json, omit } from "./custom";
import { type Item, listPatches } from "./listpatch";

export interface Node extends Item {
  label?: string;
  icon?: string;
  entity?: string;
  to?: string;
  roles?: string[];
  items?: Node[];
}

/** A place in the group of that id ("": the menu itself), counted before anything is taken out. */
export interface Place {
  group: string;
  at: number;
}

export const isGroup = (node: Node) => Array.isArray(node.items);
export const listAt = (menu: Node[], group: string): Node[] =>
  group ? (menu.find((one) => one.id === group)?.items ?? []) : menu;
/** Every entry, also those in groups. */
export const flat = (menu: Node[]): Node[] => menu.flatMap((one) => [one, ...(one.items ?? [])]);

function withList(menu: Node[], group: string, list: Node[]): Node[] {
  if (!group) return list;
  return menu.map((one) => (one.id === group ? { ...one, items: list } : one));
}

export function placeOf(menu: Node[], id: string): Place | undefined {
  for (const group of ["", ...menu.filter(isGroup).map((one) => one.id)]) {
    const at = listAt(menu, group).findIndex((one) => one.id === id);
    if (at >= 0) return { group, at };
  }
  return undefined;
}

export function without(menu: Node[], id: string): Node[] {
  return menu
    .filter((one) => one.id !== id)
    .map((one) =>
      one.items ? { ...one, items: one.items.filter((each) => each.id !== id) } : one,
    );
}

export function changed(menu: Node[], id: string, change: (node: Node) => Node): Node[] {
  const at = (list: Node[]): Node[] =>
    list.map((one) => {
      const next = one.id === id ? change(one) : one;
      return next.items ? { ...next, items: at(next.items) } : next;
    });
  return at(menu);
}

/** An entry goes to a place; a group goes nowhere but into the menu itself. */
export function moved(menu: Node[], id: string, to: Place): Node[] {
  const from = placeOf(menu, id);
  const node = from && listAt(menu, from.group)[from.at];
  if (!node || (to.group && isGroup(node)) || to.group === id) return menu;
  const rest = without(menu, id);
  const list = [...listAt(rest, to.group)];
  list.splice(to.at, 0, node);
  return withList(rest, to.group, list);
}

/** One step up or down: through the edge of a group out of it, past the edge of one into it. */
export function stepped(menu: Node[], id: string, by: 1 | -1): Node[] {
  const from = placeOf(menu, id);
  if (!from) return menu;
  const list = listAt(menu, from.group);
  const to = from.at + by;
  if (from.group && (to < 0 || to >= list.length)) {
    const group = menu.findIndex((one) => one.id === from.group);
    return moved(menu, id, { group: "", at: by > 0 ? group + 1 : group });
  }
  const next = list[to];
  if (!next) return menu;
  if (isGroup(next) && !isGroup(list[from.at])) {
    return moved(menu, id, { group: next.id, at: by > 0 ? 0 : next.items!.length });
  }
  return moved(menu, id, { group: from.group, at: to });
}

/** With a label of ours, or again with what the plugin says. */
export function labelled(node: Node, key: string | undefined, plain: Node | undefined): Node {
  const rest = omit(node, "label");
  if (key) return { ...rest, label: `@${CUSTOM}:${key}` };
  return plain?.label ? { ...rest, label: plain.label } : rest;
}

export function forRoles(node: Node, roles: string[]): Node {
  const rest = omit(node, "roles");
  return roles.length ? { ...rest, roles } : rest;
}

export function freeId(prefix: string, menu: Node[], base: Node[]): string {
  const taken = new Set([...flat(menu), ...flat(base)].map((one) => one.id));
  for (let n = 1; ; n++) if (!taken.has(`${prefix}${n}`)) return `${prefix}${n}`;
}

/** An address inside the console. */
export const isAddress = (text: string) => /^\/(?!\/)\S*$/.test(text);

const isRemoval = (patch: Json) => typeof patch.remove === "string";

/**
 * A group that plugins declare is patched entry by entry, like the menu itself. What is taken out
 * anywhere goes first: until then an id would stand for two entries.
 */
export function menuPatches(before: Node[], after: Node[]): Json[] {
  const target = { menu: "main" };
  const shared = (node: Node) =>
    isGroup(node) &&
    [before, after].every((menu) => menu.some((one) => one.id === node.id && isGroup(one)));
  const outer = (menu: Node[]) =>
    menu.map((one) => (shared(one) ? ({ ...one, items: undefined } as Node) : one)).map(plain);
  const moves = listPatches(target, "item", outer(before), outer(after));
  for (const patch of moves) {
    const group = patch.item as Node | undefined;
    const whole = group && after.find((one) => one.id === group.id && shared(one));
    if (whole) patch.item = whole; // it was moved: it goes with its entries
  }
  const moved = new Set(moves.map((patch) => (patch.item as Node | undefined)?.id));
  for (const group of after.filter((one) => shared(one) && !moved.has(one.id))) {
    const old = before.find((one) => one.id === group.id)!;
    const whole = (items: Node[]) => ({ items });
    const inner = listPatches(target, "item", old.items!, group.items!, whole as never);
    const anew = (patch: Json) => "to" in patch && !patch.set;
    moves.push(...inner.map((patch) => (anew(patch) ? { ...patch, set: group.id } : patch)));
  }
  return [...moves.filter(isRemoval), ...moves.filter((patch) => !isRemoval(patch))];
}

/** Without members that say nothing. */
const plain = (node: Node): Node => JSON.parse(JSON.stringify(node)) as Node;

/** What is a patch of the menu. */
export const isMenuPatch = (view: Json) => !("kind" in view) && view.menu === "main";
