// entityform - an object of the company's own as people fill it in: its words, the field that names
// a record, its numbering, stages, lists and forms, and for whom it is; and what is kept of that.
// SPDX-License-Identifier: MIT
import {
  CUSTOM,
  type CustomDoc,
  type EntityDoc,
  type FieldDoc,
  type Json,
  LANGS,
  omit,
  ownView,
  putView,
  putWords,
  type Words,
  wordsOf,
} from "./custom";
import { nameValues, rowsOf, type ValueRow } from "./fieldform";

export const ACCESS = ["none", "read", "own", "team", "all"] as const;
export type Access = (typeof ACCESS)[number];
export const RESETS = ["never", "yearly", "monthly", "daily"];
const TITLE = "name";
const NUMBER = "x_number";
const STAGE = "x_stage";

export interface EntityForm {
  name: string;
  words: Words;
  plural: Words;
  icon: string;
  titleField: string; // of a new one "name"
  titleWords: Words;
  owner: boolean;
  numbered: boolean;
  pattern: string;
  reset: string;
  numberWords: Words;
  staged: boolean;
  stageWords: Words;
  stages: ValueRow[];
  views: { quick: boolean; board: boolean; page: boolean };
  menu: boolean;
  access: Record<string, Access>;
}

export const emptyForm = (words: {
  title: Words;
  number: Words;
  stage: Words;
}): EntityForm => ({
  name: "",
  words: {},
  plural: {},
  icon: "box",
  titleField: TITLE,
  titleWords: words.title,
  owner: true,
  numbered: false,
  pattern: "",
  reset: "monthly",
  numberWords: words.number,
  staged: false,
  stageWords: words.stage,
  stages: [],
  views: { quick: true, board: true, page: true },
  menu: true,
  access: {},
});

/** "x_visit" out of "Visit"; a number where nothing of it is Latin. */
export function entityName(label: string, taken: string[]): string {
  const plain = label
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 40);
  const base = plain ? `x_${plain}` : "x_object";
  if (plain && !taken.includes(base)) return base;
  for (let n = plain ? 2 : 1; ; n++) if (!taken.includes(`${base}${n}`)) return `${base}${n}`;
}

/** "VI-{yyyy}{mm}-{counter:4}" for x_visit. */
export function usualPattern(name: string): string {
  const letters = name.replace(/^x_/, "").replace(/_/g, "").slice(0, 2).toUpperCase();
  return `${letters || "X"}-{yyyy}{mm}-{counter:4}`;
}

/** What a number would look like. */
export function exampleOf(pattern: string, now = new Date()): string {
  const parts: Record<string, string> = {
    yyyy: String(now.getFullYear()),
    yy: String(now.getFullYear()).slice(2),
    mm: String(now.getMonth() + 1).padStart(2, "0"),
    dd: String(now.getDate()).padStart(2, "0"),
  };
  return pattern.replace(/\{(\w+)(?::(\d+))?\}/g, (whole, name: string, digits?: string) =>
    name === "counter" ? "1".padStart(Number(digits ?? 1), "0") : (parts[name] ?? whole),
  );
}

const has = (words: Words) => Boolean(words["zh-CN"] || words.en);

/** What is missing or does not fit: names of inputs. */
export function missingOf(form: EntityForm, taken: string[], isNew: boolean): string[] {
  const out: string[] = [];
  if (!has(form.words)) out.push("words");
  if (isNew && !/^x_[a-z0-9_]{1,58}$/.test(form.name)) out.push("name");
  if (isNew && taken.includes(form.name)) out.push("taken");
  if (form.numbered && !/\{counter(:\d+)?\}/.test(form.pattern)) out.push("pattern");
  if (form.staged && !form.stages.length) out.push("stages");
  if (form.staged && form.stages.some((row) => !row.value && !has(row.words))) out.push("stages");
  return [...new Set(out)];
}

/* --- from the document --- */

const fieldOf = (entity: EntityDoc, name: string) =>
  entity.fields?.find((one) => one.name === name && !one.retired);

const accessOf = (grant: Json | undefined): Access => {
  if (!grant?.read) return "none";
  if (!grant.create) return "read";
  if (grant.read === "own") return "own";
  return grant.read === "team" ? "team" : "all";
};

type Grants = Record<string, Json>;
const rolesFor = (doc: CustomDoc, entity: string) =>
  (doc.roles ?? []).filter((role) => (role.grants as Grants | undefined)?.[entity]);

const isEntry = (view: Json, entity: string) => {
  const item = view.item as Json | undefined;
  return view.menu === "main" && item?.entity === entity;
};

/** Also where the menu's editor has put it into a group. */
export function inMenu(doc: CustomDoc, entity: string): boolean {
  return (doc.views ?? []).some(
    (view) =>
      isEntry(view, entity) ||
      (((view.item as Json)?.items as Json[]) ?? []).some((one) => one.entity === entity),
  );
}

export function formOfEntity(doc: CustomDoc, entity: EntityDoc): EntityForm {
  const name = entity.name!;
  const number = fieldOf(entity, NUMBER);
  const stage = fieldOf(entity, STAGE);
  const of = (field: string) => wordsOf(doc, `${name}.${field}`);
  const titleField = String(entity.title ?? TITLE);
  return {
    name,
    words: wordsOf(doc, name),
    plural: wordsOf(doc, `${name}.plural`),
    icon: String(entity.icon ?? "box"),
    titleField,
    titleWords: of(titleField),
    owner: Boolean(entity.owner),
    numbered: Boolean(number),
    pattern: String(number?.pattern ?? usualPattern(name)),
    reset: String(number?.reset ?? "monthly"),
    numberWords: of(NUMBER),
    staged: Boolean(stage),
    stageWords: of(STAGE),
    stages: rowsOf(stage?.values, (value) => wordsOf(doc, `${name}.${STAGE}.${value}`)),
    views: {
      quick: Boolean(ownView(doc, "quick", name)),
      board: Boolean(ownView(doc, "board", name)),
      page: Boolean(ownView(doc, "page", name)),
    },
    menu: inMenu(doc, name),
    access: Object.fromEntries(
      rolesFor(doc, name).map((role) => [
        String(role.name),
        accessOf((role.grants as Grants)[name]),
      ]),
    ),
  };
}

/* --- into the document --- */

/** From every stage to every other: who wants less says so in the field's own editor. */
function stageDoc(rows: ValueRow[], old?: FieldDoc): FieldDoc {
  const names = rows.map((row) => row.value);
  const values = rows.map((row) => (row.tone ? { value: row.value, tone: row.tone } : row.value));
  const before = (old?.values ?? []).map((one) => (typeof one === "string" ? one : one.value));
  const same = JSON.stringify(before) === JSON.stringify(names);
  const flow = Object.fromEntries(names.map((one) => [one, names.filter((to) => to !== one)]));
  return {
    ...old,
    name: STAGE,
    type: "state",
    values,
    initial: same && old?.initial ? old.initial : "*",
    default: same && old?.default ? old.default : names[0],
    flow: same && old?.flow ? old.flow : flow,
    quick: true,
  };
}

function fieldsOf(form: EntityForm, rows: ValueRow[], old: FieldDoc[]): FieldDoc[] {
  const find = (name: string) => old.find((one) => one.name === name);
  const ours = [NUMBER, STAGE, ...(form.titleField === TITLE ? [TITLE] : [])];
  const title = { name: TITLE, type: "text", required: true, search: true, quick: true };
  const fields: FieldDoc[] = [];
  if (form.titleField === TITLE)
    fields.push(omit(find(TITLE) ?? { ...title, length: 120 }, "retired"));
  if (form.numbered) {
    const more = { type: "autonumber", pattern: form.pattern, reset: form.reset, search: true };
    const kept = omit(find(NUMBER) ?? { name: NUMBER }, "retired");
    fields.push({ ...kept, name: NUMBER, ...more });
  }
  if (form.staged) {
    const kept = omit(find(STAGE) ?? { name: STAGE }, "retired");
    fields.push(stageDoc(rows, kept));
  }
  return [...fields, ...old.filter((one) => !ours.includes(one.name))];
}

function grantOf(access: Access): Json | undefined {
  const may = (rows: unknown, write: unknown) => ({
    read: rows,
    ...(write ? { create: true, update: write, delete: write } : {}),
  });
  if (access === "none") return undefined;
  if (access === "read") return may("all", undefined);
  return access === "team" ? may("team", "own") : may(access, access);
}

function putRoles(doc: CustomDoc, entity: string, access: Record<string, Access>): void {
  const roles = (doc.roles ?? []).map((role) => {
    const grants = omit((role.grants ?? {}) as Grants, entity);
    return { ...role, grants } as Json & { name?: string; grants: Grants };
  });
  for (const [name, word] of Object.entries(access)) {
    const grant = grantOf(word);
    if (!grant) continue;
    const role = roles.find((one) => one.name === name);
    if (role) role.grants[entity] = grant;
    else roles.push({ name, grants: { [entity]: grant } });
  }
  const saying = roles.filter(
    (role) => Object.keys(role.grants).length || Object.keys(role).length > 2,
  );
  if (saying.length) doc.roles = saying;
  else delete doc.roles;
}

function putMenu(doc: CustomDoc, form: EntityForm): void {
  if (form.menu === inMenu(doc, form.name)) return;
  if (form.menu) {
    const label = `@${CUSTOM}:${form.name}.plural`;
    const item = { id: form.name, label, icon: form.icon, entity: form.name };
    doc.views = [...(doc.views ?? []), { menu: "main", item }];
    return;
  }
  dropEntries(doc, form.name);
}

function dropEntries(doc: CustomDoc, entity: string): void {
  doc.views = (doc.views ?? [])
    .filter((view) => !isEntry(view, entity))
    .map((view) => {
      const item = view.item as Json | undefined;
      const items = item?.items as Json[] | undefined;
      if (view.menu !== "main" || !items) return view;
      return { ...view, item: { ...item, items: items.filter((one) => one.entity !== entity) } };
    });
  if (!doc.views.length) delete doc.views;
}

/** Lists and forms that are not there yet; those that are stay as they were edited. */
function putViews(doc: CustomDoc, form: EntityForm, sectionWords: Words): void {
  const { name: entity } = form;
  const main = [form.titleField, ...(form.staged ? [STAGE] : [])];
  const number = form.numbered ? [NUMBER] : [];
  const owner = form.owner ? ["owner"] : [];
  const section = (kind: string, cells: string[]) => {
    const key = `layout.${entity}.${kind}.section.main`;
    putWords(doc, key, sectionWords);
    return { id: "section.main", label: `@${CUSTOM}:${key}`, cells };
  };
  const make = (kind: string, body: () => Json) => {
    if (!ownView(doc, kind, entity)) putView(doc, { kind, entity, ...body() });
  };
  const first = { field: form.titleField, pin: true, width: 220 };
  make("list", () => ({
    columns: [first, ...number, ...(form.staged ? [STAGE] : []), ...owner, "updated_at"],
    sort: "-updated_at",
  }));
  make("form", () => ({ sections: [section("form", [...main, ...owner])] }));
  if (form.views.quick) make("quick", () => ({ sections: [{ id: "section.quick", cells: main }] }));
  if (form.views.page) {
    make("page", () => ({
      header: { facts: [...number, ...owner] },
      ...(form.staged ? { path: { field: STAGE } } : {}),
      left: { sections: [section("page", [...number, ...main, ...owner])] },
      main: {
        tabs: [
          { id: "tab.timeline", widget: "timeline" },
          { id: "tab.history", widget: "history" },
        ],
      },
      panels: [],
    }));
  }
  if (form.staged && form.views.board) {
    const card = { title: form.titleField, lines: [...number, ...owner].slice(0, 2) };
    make("board", () => ({ group_by: STAGE, card }));
  }
  const drop = (kind: string) => {
    doc.views = (doc.views ?? []).filter((one) => one !== ownView(doc, kind, entity));
  };
  for (const kind of ["quick", "page"] as const) if (!form.views[kind]) drop(kind);
  if (!form.staged || !form.views.board) drop("board");
}

export function putEntity(
  doc: CustomDoc,
  form: EntityForm,
  words: { section: Words; timeline: Words; history: Words },
  withRoles: boolean,
): void {
  const { name } = form;
  const rows = nameValues(form.stages);
  const old = doc.entities?.find((one) => one.name === name);
  const rest = omit(old ?? {}, "retired");
  const entity: EntityDoc = {
    ...rest,
    name,
    icon: form.icon,
    title: form.titleField,
    fields: fieldsOf(form, rows, old?.fields ?? []),
  };
  if (form.owner) entity.owner = true;
  else delete entity.owner;
  if (form.staged) entity.stage = STAGE;
  else if (entity.stage === STAGE) delete entity.stage;
  doc.entities = [...(doc.entities ?? []).filter((one) => one !== old), entity];
  putWords(doc, name, form.words);
  putWords(doc, `${name}.plural`, has(form.plural) ? form.plural : form.words);
  if (form.titleField === TITLE) putWords(doc, `${name}.${TITLE}`, form.titleWords);
  putWords(doc, `${name}.${NUMBER}`, form.numbered ? form.numberWords : {});
  putWords(doc, `${name}.${STAGE}`, form.staged ? form.stageWords : {});
  for (const row of rows) putWords(doc, `${name}.${STAGE}.${row.value}`, row.words);
  putViews(doc, form, words.section);
  const page = ownView(doc, "page", name);
  for (const tab of ((page?.main as Json)?.tabs as Json[] | undefined) ?? []) {
    const said = words[tab.widget as "history"];
    if (tab.label || !said) continue;
    const key = `layout.${name}.page.${String(tab.id)}`;
    putWords(doc, key, said);
    tab.label = `@${CUSTOM}:${key}`;
  }
  putMenu(doc, form);
  if (withRoles) putRoles(doc, name, form.access);
}

/** The object goes with its words, views, rights and entries; the server keeps its data. */
export function dropEntity(doc: CustomDoc, name: string): void {
  doc.entities = (doc.entities ?? []).filter((one) => one.name !== name && one.extend !== name);
  if (!doc.entities.length) delete doc.entities;
  const speaks = (view: Json) =>
    view.entity === name ||
    Object.values(view).some((value) => typeof value === "string" && value.split(".")[0] === name);
  doc.views = (doc.views ?? []).filter((view) => view.menu === "main" || !speaks(view));
  dropEntries(doc, name);
  putRoles(doc, name, {});
  for (const lang of LANGS) {
    for (const key of Object.keys(doc.texts?.[lang] ?? {})) {
      const parts = key.split(".");
      const of = ["layout", "list"].includes(parts[0]) ? parts[1] : parts[0];
      if (of === name) putWords(doc, key, {});
    }
  }
}
