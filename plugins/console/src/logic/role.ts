// role - a role's document as it is edited: scopes, rules of rows, access to fields.
// SPDX-License-Identifier: MIT
import type { Tree } from "./filter";

export const ACTIONS = [
  "read",
  "create",
  "update",
  "delete",
  "export",
  "import",
  "unmask",
] as const;
export type Action = (typeof ACTIONS)[number];
export const SCOPES = ["all", "own", "team", "department", "subtree"] as const;
export type Rule = boolean | string | Tree;

export interface Grant extends Partial<Record<Action, Rule>> {
  actions?: true | string[];
  fields?: Record<string, string>;
}

export interface RoleDoc {
  name: string;
  label: string;
  grants: Record<string, Grant>;
  admin: boolean | string[];
}

/** What a choice shows: a word, "rule" for conditions, "" for nothing granted. */
export function scopeOf(rule: Rule | undefined): string {
  if (rule === undefined || rule === false) return "";
  if (rule === true) return "all";
  return typeof rule === "string" ? rule : "rule";
}

/** Importing is asked of all rows or none; the rest may be narrowed, parts follow their whole. */
export const choicesFor = (action: Action, isPart = false): string[] => [
  "",
  ...(action === "create" || action === "import" ? ["all"] : SCOPES),
  ...(isPart ? ["parent"] : []),
  "rule",
];

export function withRule(grant: Grant, action: Action, rule: Rule | undefined): Grant {
  const next = { ...grant };
  if (rule === undefined || rule === "" || rule === false) delete next[action];
  else next[action] = rule;
  return next;
}

/** Access to one field: "" is what "*" says; without both everything can be written. */
export function withField(grant: Grant, field: string, access: string): Grant {
  const fields = { ...grant.fields };
  if (access) fields[field] = access;
  else delete fields[field];
  const next: Grant = { ...grant, fields };
  if (!Object.keys(fields).length) delete next.fields;
  return next;
}

export function withOperation(grant: Grant, name: string, on: boolean, all: string[]): Grant {
  const had = grant.actions === true ? all : (grant.actions ?? []);
  const names = on ? [...new Set([...had, name])] : had.filter((one) => one !== name);
  const next: Grant = { ...grant, actions: names };
  if (!names.length) delete next.actions;
  return next;
}

/** Nothing of an entity that grants nothing is sent. */
export function bodyOf(role: RoleDoc): Omit<RoleDoc, "name"> {
  const grants = Object.fromEntries(
    Object.entries(role.grants).filter(([, grant]) => Object.keys(grant).length),
  );
  return { label: role.label, grants, admin: role.admin };
}

/** A role as members of which each may be somebody else's: its grants one by one. */
export function membersOf(role: Omit<RoleDoc, "name">): Record<string, unknown> {
  const grants = Object.entries(role.grants).map(([name, grant]) => [`grants.${name}`, grant]);
  return { label: role.label, admin: role.admin, ...Object.fromEntries(grants) };
}

export function roleOf(members: Record<string, unknown>): Omit<RoleDoc, "name"> {
  const grants = Object.entries(members)
    .filter(([name, grant]) => name.startsWith("grants.") && grant)
    .map(([name, grant]) => [name.slice("grants.".length), grant as Grant]);
  return {
    label: members.label as string,
    admin: members.admin as RoleDoc["admin"],
    grants: Object.fromEntries(grants),
  };
}

/** A name for a role from what people call it; what has no Latin letters is numbered. */
export function roleName(label: string, taken: string[]): string {
  const plain = label
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "")
    .slice(0, 40);
  const base = plain || "role";
  if (plain && !taken.includes(base)) return base;
  for (let n = 1; ; n++) if (!taken.includes(`${base}_${n}`)) return `${base}_${n}`;
}
