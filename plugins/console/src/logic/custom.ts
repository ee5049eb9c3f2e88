// custom - the document of what administrators make without code, and how editors change it.
// SPDX-License-Identifier: MIT
//
// It is what core/api/custom_doc.h says: the same JSON that plugins declare. Editors never merge:
// the server shows an entity without and with the draft; here the draft is only written.
import type { Cell } from "@/api/types";
import type { Tree } from "./filter";
import { listPatches } from "./listpatch";

export type Json = Record<string, unknown>;

export interface FieldDoc extends Json {
  name: string;
  no?: number;
  type?: string;
  retired?: boolean;
  values?: ValueDoc[];
}

export type ValueDoc = string | { value: string; label?: string; tone?: string; active?: boolean };

export interface EntityDoc extends Json {
  extend?: string;
  name?: string;
  retired?: boolean;
  fields?: FieldDoc[];
}

export interface CustomDoc {
  entities?: EntityDoc[];
  views?: Json[];
  dictionaries?: Json[];
  reports?: Json[];
  roles?: Json[];
  texts?: Partial<Record<string, Record<string, string>>>;
}

export const CUSTOM = "tenant.custom";
export const LANGS = ["zh-CN", "en"] as const;
export type Words = Partial<Record<(typeof LANGS)[number], string>>;

/** The same without some of its members. */
export function omit<T extends object>(value: T, ...names: string[]): T {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name))) as T;
}

export const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/* --- texts --- */

/** Words under a key in both languages; an empty text is taken away. */
export function putWords(doc: CustomDoc, key: string, words: Words): void {
  for (const lang of LANGS) {
    const text = words[lang]?.trim();
    const texts = (doc.texts ??= {});
    const own = (texts[lang] ??= {});
    if (text) own[key] = text;
    else delete own[key];
    if (!Object.keys(own).length) delete texts[lang];
    if (!Object.keys(texts).length) delete doc.texts;
  }
}

export function wordsOf(doc: CustomDoc, key: string): Words {
  return Object.fromEntries(
    LANGS.map((lang) => [lang, doc.texts?.[lang]?.[key]]).filter(([, text]) => text),
  ) as Words;
}

/** Words in that language, or in the other. */
export const inWords = (words: Words | undefined, lang: string): string =>
  words?.[lang as "en"] || words?.["zh-CN"] || words?.en || "";

/** What an entity of ours is called. */
export const entityLabel = (doc: CustomDoc, key: string, lang: string): string =>
  inWords(wordsOf(doc, key), lang) || key;

/** The key of a field's label: of our own field, or of another plugin's that we name anew. */
export const fieldKey = (plugin: string, entity: string, field: string) =>
  plugin === CUSTOM ? `${entity}.${field}` : `${plugin}:${entity}.${field}`;

/* --- fields --- */

const isOf = (one: EntityDoc, entity: string) => (one.extend ?? one.name) === entity;

export const entityDoc = (doc: CustomDoc, entity: string) =>
  doc.entities?.find((one) => isOf(one, entity));

export const fieldDoc = (doc: CustomDoc, entity: string, name: string) =>
  entityDoc(doc, entity)?.fields?.find((one) => one.name === name);

/** Puts a field in its place, or behind the others; one that was taken out comes back as it was. */
export function putField(doc: CustomDoc, entity: string, field: FieldDoc): void {
  let own = entityDoc(doc, entity);
  if (!own) {
    own = { extend: entity, fields: [] };
    (doc.entities ??= []).push(own);
  }
  const fields = (own.fields ??= []);
  const at = fields.findIndex((one) => one.name === field.name);
  const old = at >= 0 ? fields[at] : undefined;
  if (!old) fields.push(field);
  else if (old.retired && old.type !== field.type)
    fields.push(field); // another one of that name
  else fields[at] = { ...(old.no ? { no: old.no } : {}), ...field };
}

/** A new field is taken out, a change of another plugin's is taken back. */
export function dropField(doc: CustomDoc, entity: string, name: string): void {
  const own = entityDoc(doc, entity);
  if (!own) return;
  own.fields = (own.fields ?? []).filter((one) => one.name !== name || one.retired);
  if (own.extend && !own.fields.length) doc.entities = doc.entities!.filter((one) => one !== own);
}

/** A name nobody has yet: x_ and what of the label is Latin, else a number. */
export function fieldName(label: string, taken: string[]): string {
  const plain = label
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 40);
  const base = plain ? `x_${plain}` : "x_field";
  if (plain && !taken.includes(base)) return base;
  for (let n = 1; ; n++) if (!taken.includes(`${base}${n}`)) return `${base}${n}`;
}

/* --- layouts --- */

export interface LayoutSection {
  id: string;
  label?: string;
  cells?: Cell[];
  collapsed?: boolean;
  visible_when?: Tree;
  [member: string]: unknown;
}

/** Sections as patches of what they were; see listPatches. */
export const layoutPatches = (
  target: Json,
  before: LayoutSection[],
  after: LayoutSection[],
  whole?: (list: LayoutSection[]) => Json,
): Json[] => listPatches(target, "section", before, after, whole as never);

const targetKey = (kind: string, entity: string, name: string) =>
  name === "default" ? { [kind]: entity } : { [kind]: `${entity}.${name}` };

export const patchTarget = (kind: string, entity: string, name = "default"): Json =>
  targetKey(kind, entity, name);

/** Is it a patch of this view? */
export function isPatchOf(view: Json, kind: string, entity: string, name = "default"): boolean {
  if ("kind" in view || typeof view[kind] !== "string") return false;
  const [of, called] = String(view[kind]).split(".");
  return of === entity && (called ?? "default") === name;
}

/** Whether our own document declares this view itself. */
export const ownView = (doc: CustomDoc, kind: string, entity: string, name = "default") =>
  doc.views?.find(
    (one) => one.kind === kind && one.entity === entity && (one.name ?? "default") === name,
  );

/** All our patches of a view anew; others stay where they are. */
export function putPatches(
  doc: CustomDoc,
  kind: string,
  entity: string,
  name: string,
  patches: Json[],
): void {
  const others = (doc.views ?? []).filter((one) => !isPatchOf(one, kind, entity, name));
  doc.views = [...others, ...patches];
  if (!doc.views.length) delete doc.views;
}

export function putView(doc: CustomDoc, view: Json): void {
  const old = ownView(doc, String(view.kind), String(view.entity), String(view.name ?? "default"));
  if (old) doc.views = doc.views!.map((one) => (one === old ? view : one));
  else doc.views = [...(doc.views ?? []), view];
}

export function dropView(doc: CustomDoc, kind: string, entity: string, name: string): void {
  const old = ownView(doc, kind, entity, name);
  doc.views = (doc.views ?? []).filter((one) => one !== old);
  if (!doc.views.length) delete doc.views;
}

/** A key of a plugin's view as everybody can name it: "@section.main" of leads is "@leads:…". */
export function qualified<T>(value: T, plugin: string): T {
  if (typeof value === "string") {
    return (/^@[^:]+$/.test(value) ? `@${plugin}:${value.slice(1)}` : value) as T;
  }
  if (Array.isArray(value)) return value.map((one) => qualified(one as unknown, plugin)) as T;
  if (!value || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, qualified(one as unknown, plugin)]),
  ) as T;
}

/* --- cells --- */

export const cellField = (cell: Cell): string =>
  typeof cell === "string" ? cell : (cell.field ?? cell.widget ?? "");

export const cellSpan = (cell: Cell): number => (typeof cell === "string" ? 1 : (cell.span ?? 1));

export function withSpan(cell: Cell, span: number): Cell {
  const whole = typeof cell === "string" ? { field: cell } : { ...cell };
  if (span > 1) return { ...whole, span };
  delete whole.span;
  return Object.keys(whole).length === 1 && whole.field ? whole.field : whole;
}

export interface Spot {
  section: number;
  cell: number;
}

/** A cell goes from one place to another; both are counted before it is taken out. */
export function moveCell(sections: LayoutSection[], from: Spot, to: Spot): LayoutSection[] {
  const next = copy(sections);
  const cells = (next[from.section].cells ??= []);
  const [cell] = cells.splice(from.cell, 1);
  if (cell === undefined) return sections;
  (next[to.section].cells ??= []).splice(to.cell, 0, cell);
  return next;
}

/** One step up or down, over the edge into the neighbouring section. */
export function stepCell(sections: LayoutSection[], at: Spot, by: 1 | -1): Spot {
  const cells = sections[at.section].cells ?? [];
  const to = at.cell + by;
  if (to >= 0 && to < cells.length) return { section: at.section, cell: to };
  const section = at.section + by;
  if (section < 0 || section >= sections.length) return at;
  return { section, cell: by > 0 ? 0 : (sections[section].cells ?? []).length };
}

export function sectionId(taken: string[]): string {
  for (let n = 1; ; n++) if (!taken.includes(`section.x${n}`)) return `section.x${n}`;
}
