// people - users, roles and departments as administration reads them.
// SPDX-License-Identifier: MIT
export interface RoleHead {
  name: string;
  label: string;
}

export interface Department {
  id: string;
  version: number;
  name: string;
  parent: string | null;
  path: string[];
  depth: number;
  head: string | null;
}

/** Roles of a user: a list, or its text. */
export function namesOf(roles: unknown): string[] {
  if (Array.isArray(roles)) return roles.map(String);
  if (typeof roles !== "string" || !roles) return [];
  try {
    const list = JSON.parse(roles) as unknown;
    return Array.isArray(list) ? list.map(String) : [];
  } catch {
    return [];
  }
}

/** In the order of the tree, each below what it belongs to; siblings by name. */
export function treeOrder(all: Department[], lang: string): Department[] {
  const below = new Map<string, Department[]>();
  const known = new Set(all.map((one) => one.id));
  for (const one of all) {
    const parent = one.parent && known.has(one.parent) ? one.parent : "";
    below.set(parent, [...(below.get(parent) ?? []), one]);
  }
  const order = new Intl.Collator(lang);
  const walk = (parent: string, depth: number): Department[] =>
    (below.get(parent) ?? [])
      .sort((a, b) => order.compare(a.name, b.name))
      .flatMap((one) => [{ ...one, depth }, ...walk(one.id, depth + 1)]);
  return walk("", 0);
}

/** Where a department may be moved: anywhere but into itself. */
export const placesFor = (all: Department[], moved: string | undefined) =>
  all.filter((one) => !moved || (one.id !== moved && !one.path.includes(moved)));
