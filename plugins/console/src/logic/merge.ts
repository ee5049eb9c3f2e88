// merge - a draft that somebody else was faster than: what both have changed since it began is told
// apart member by member; what only one of them has changed is that one's.
// SPDX-License-Identifier: MIT
import { copy, type CustomDoc, type EntityDoc, type FieldDoc, type Json } from "./custom";

export type Members = Record<string, unknown>;
/** Things of a document by what they are known by, each as its members. */
type Things = Map<string, Members>;

export interface Clash {
  thing: string; // "fields lead.x_level"
  member: string; // "*": the whole thing, which one has taken out
  before: unknown;
  mine: unknown;
  theirs: unknown;
}

export interface Merge {
  clashes: Clash[];
  /** How many things only one of the two has changed. */
  onlyMine: number;
  onlyTheirs: number;
  /** The document, with the word of each clash: true keeps mine. */
  settle(mine: boolean[]): CustomDoc;
}

export const same = (a: unknown, b: unknown) =>
  JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!value || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([name, one]) => [name, sorted(one)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/* --- a document as things --- */

const TARGETS = [
  ...["list", "board", "calendar", "form", "quick", "page", "mobile", "menu", "dashboard"],
  ...["tree", "chart", "timeline", "report"],
];

/** What a patch changes: its view, what it does to it, and the thing that it does it to. */
function patchKey(patch: Json): string {
  const kind = TARGETS.find((one) => typeof patch[one] === "string") ?? "";
  const target = `${kind} ${String(patch[kind])}`;
  if (patch.remove) return `${target}: remove ${String(patch.remove)}`;
  if (patch.set) return `${target}: ${String(patch.set)}`;
  const added = Object.values(patch).find((one) => one && typeof one === "object" && "id" in one);
  if (added) return `${target}: add ${String((added as Json).id)}`;
  return "to" in patch ? target : `${target}: ${JSON.stringify(patch)}`;
}

const viewKey = (view: Json) =>
  "kind" in view
    ? ["kind", "entity", "name"].map((name) => view[name] ?? "").join(" ")
    : patchKey(view);

/** Members of `inside` are things to choose of their own: "to.columns". */
function spread(item: Json, inside: string): Members {
  const { [inside]: inner, ...rest } = item;
  if (!inner || typeof inner !== "object" || Array.isArray(inner)) return item;
  const more = Object.entries(inner).map(([name, value]) => [`${inside}.${name}`, value]);
  return { ...rest, ...Object.fromEntries(more) };
}

function gather(members: Members, inside: string): Json {
  const out: Json = {};
  const inner: Json = {};
  for (const [name, value] of Object.entries(members)) {
    if (name.startsWith(`${inside}.`)) inner[name.slice(inside.length + 1)] = value;
    else out[name] = value;
  }
  return Object.keys(inner).length ? { ...out, [inside]: inner } : out;
}

const entityKey = (entity: EntityDoc) => String(entity.extend ?? entity.name);

function thingsOf(doc: CustomDoc): Things {
  const things: Things = new Map();
  for (const entity of doc.entities ?? []) {
    const { fields, ...rest } = entity;
    things.set(`entities ${entityKey(entity)}`, rest);
    for (const field of fields ?? []) {
      const key = `fields ${entityKey(entity)}.${field.name}`;
      things.set(field.retired ? `${key} (${field.no})` : key, field);
    }
  }
  for (const view of doc.views ?? []) things.set(`views ${viewKey(view)}`, spread(view, "to"));
  for (const part of ["dictionaries", "reports"] as const) {
    for (const one of doc[part] ?? []) {
      things.set(`${part} ${String(one.extend ?? one.name ?? one.report)}`, one);
    }
  }
  for (const role of doc.roles ?? []) {
    things.set(`roles ${String(role.name)}`, spread(role, "grants"));
  }
  for (const [lang, texts] of Object.entries(doc.texts ?? {})) {
    if (texts) things.set(`texts ${lang}`, texts);
  }
  const { templates } = doc as { templates?: Members };
  if (templates) things.set("templates all", templates);
  return things;
}

/** What is taken out goes first: an id must not stand for two things while patches are applied. */
const isRemoval = (view: Json) => typeof view.remove === "string";

function documentOf(things: Things): CustomDoc {
  const doc: CustomDoc & { templates?: Members } = {};
  const entities = new Map<string, EntityDoc>();
  const views: Json[] = [];
  for (const [key, members] of things) {
    const [part] = key.split(" ", 1);
    const name = key.slice(part.length + 1);
    if (part === "entities") entities.set(name, { ...members, fields: [] } as EntityDoc);
    else if (part === "fields") {
      const of = name.split(".")[0];
      if (!entities.has(of)) entities.set(of, { extend: of, fields: [] });
      entities.get(of)!.fields!.push(members as FieldDoc);
    } else if (part === "views") views.push(gather(members, "to"));
    else if (part === "roles") (doc.roles ??= []).push(gather(members, "grants"));
    else if (part === "texts") (doc.texts ??= {})[name] = members as Record<string, string>;
    else if (part === "templates") doc.templates = members;
    else (doc[part as "reports"] ??= []).push(members);
  }
  const saying = [...entities.values()].filter((one) => one.name || one.fields!.length);
  if (saying.length) doc.entities = saying;
  if (views.length) {
    doc.views = [...views.filter(isRemoval), ...views.filter((one) => !isRemoval(one))];
  }
  return copy(doc);
}

/** A number given in a draft may stand for somebody else's field by now: new ones get another. */
function unnumbered(mine: CustomDoc, base: CustomDoc): CustomDoc {
  const doc = copy(mine);
  for (const entity of doc.entities ?? []) {
    const old = base.entities?.find((one) => entityKey(one) === entityKey(entity));
    for (const field of entity.fields ?? []) {
      if (!old?.fields?.some((one) => one.no === field.no)) delete field.no;
    }
  }
  return doc;
}

/* --- the merge --- */

const NUMBER = "no"; // given by the server; nobody chooses

/** What both have changed clashes, and is mine until somebody says otherwise. */
export function members(before: Members, mine: Members, theirs: Members) {
  const merged: Members = {};
  const clashes: Omit<Clash, "thing">[] = [];
  for (const name of new Set([...Object.keys(theirs), ...Object.keys(mine)])) {
    const [b, m, t] = [before[name], mine[name], theirs[name]];
    const mineStays = !same(m, b) && same(t, b);
    const value = mineStays ? m : t;
    if (name === NUMBER) merged[name] = t ?? m;
    else if (!same(m, b) && !same(t, b) && !same(m, t)) {
      clashes.push({ member: name, before: b, mine: m, theirs: t });
      merged[name] = m;
    } else if (value !== undefined) merged[name] = value;
  }
  return { merged, clashes };
}

export function mergeDrafts(base: CustomDoc, draft: CustomDoc, published: CustomDoc): Merge {
  const [before, theirs] = [thingsOf(base), thingsOf(published)];
  const mine = thingsOf(unnumbered(draft, base));
  const clashes: Clash[] = [];
  const result: Things = new Map();
  let onlyMine = 0;
  let onlyTheirs = 0;
  for (const thing of new Set([...theirs.keys(), ...mine.keys(), ...before.keys()])) {
    const [b, m, t] = [before.get(thing), mine.get(thing), theirs.get(thing)];
    const [isMine, isTheirs] = [!same(m, b), !same(t, b)];
    onlyMine += Number(isMine && !isTheirs);
    onlyTheirs += Number(isTheirs && !isMine);
    if (m && t) {
      const one = members(b ?? {}, m, t);
      result.set(thing, one.merged);
      clashes.push(...one.clashes.map((clash) => ({ thing, ...clash })));
    } else if (isMine && isTheirs && (m || t)) {
      if (b) clashes.push({ thing, member: "*", before: b, mine: m, theirs: t });
      if (m ?? (b ? undefined : t)) result.set(thing, (m ?? t)!);
    } else {
      const value = isMine ? m : t;
      if (value) result.set(thing, value);
    }
  }
  const settle = (keep: boolean[]) => {
    const things: Things = new Map([...result].map(([thing, one]) => [thing, { ...one }]));
    clashes.forEach((clash, i) => {
      const value = keep[i] ? clash.mine : clash.theirs;
      if (clash.member === "*") {
        if (value) things.set(clash.thing, value as Members);
        else things.delete(clash.thing);
        return;
      }
      const one = things.get(clash.thing);
      if (one && value === undefined) delete one[clash.member];
      else if (one) one[clash.member] = value;
    });
    return documentOf(things);
  };
  return { clashes, onlyMine, onlyTheirs, settle };
}
