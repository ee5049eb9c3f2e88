// fieldform - a field's declaration as people fill it in: what each type asks for, and back.
// SPDX-License-Identifier: MIT
import { CUSTOM, type FieldDoc, type ValueDoc, type Words } from "./custom";
import type { Tree } from "./filter";

export const TYPE_GROUPS: Record<string, string[]> = {
  text: ["text", "longtext", "richtext", "phone", "email", "url", "address"],
  number: ["int", "decimal", "money", "percent", "rating", "duration"],
  time: ["date", "datetime"],
  choice: ["enum", "multienum", "dict", "state", "bool", "tags", "color"],
  link: ["ref", "refs", "user", "team"],
  file: ["file", "files", "image"],
  sealed: ["secret", "id_card", "bank_card"],
  made: ["autonumber", "rollup", "lookup"],
  other: ["json", "geo"],
};

const BOUNDED = ["int", "decimal", "money", "percent", "rating", "duration"];
const SIZED = ["text", "longtext"];
const MADE = ["autonumber", "rollup", "lookup", "computed"];
const SEARCHED = ["text", "longtext", "phone", "email", "id_card", "autonumber"];
const UNIQUE = [
  "text",
  "phone",
  "email",
  "url",
  "int",
  "date",
  "id_card",
  "bank_card",
  "ref",
  "user",
];
const INLINE = [
  ...["text", "int", "decimal", "money", "percent", "date", "datetime", "enum", "dict", "bool"],
  ...["user", "ref", "rating", "phone", "email"],
];
const DEFAULTS = [
  ...["text", "longtext", "int", "decimal", "money", "percent", "rating", "bool", "date"],
  ...["datetime", "enum", "multienum", "state", "user", "tags", "url"],
];

/** Does a field of this type have this member? */
export function asks(type: string, member: string): boolean {
  switch (member) {
    case "values":
      return ["enum", "multienum", "state"].includes(type);
    case "bounds":
      return BOUNDED.includes(type);
    case "length":
      return SIZED.includes(type);
    case "scale":
      return type === "decimal";
    case "multiple":
      return ["text", "phone", "email"].includes(type);
    case "entity":
      return type === "ref" || type === "refs";
    case "required":
    case "readonly":
    case "quick":
      return !MADE.includes(type);
    case "unique":
      return UNIQUE.includes(type);
    case "search":
      return SEARCHED.includes(type);
    case "inline":
      return INLINE.includes(type);
    case "default":
      return DEFAULTS.includes(type);
    default:
      return type === member;
  }
}

/** What may stand for a value that is only known when a record is made. */
export const variableOf = (type: string): string =>
  ({ user: "$me", date: "$today", datetime: "$now" })[type] ?? "";

export interface ValueRow {
  value: string;
  words: Words;
  tone: string;
  active: boolean;
  label?: string; // as declared: kept where nobody writes other words
  fixed: boolean; // of another plugin: it stays
}

export interface FieldForm {
  name: string;
  type: string;
  words: Words;
  help: Words;
  flags: Record<string, boolean>;
  fallback: unknown;
  min: string;
  max: string;
  length: string;
  scale: string;
  entity: string;
  dictionary: string;
  filter?: Tree;
  rows: ValueRow[];
  initial: string[] | "*";
  flow: Record<string, string[]>;
  pattern: string;
  reset: string;
  from: string;
  by: string;
  op: string;
  field: string;
  path: string;
  import_alias: string;
  when: Partial<Record<"visible_when" | "required_when" | "readonly_when", Tree>>;
}

export const FLAGS = ["required", "unique", "readonly", "hidden", "search", "quick", "inline"];
const WHENS = ["visible_when", "required_when", "readonly_when"] as const;
const text = (value: unknown) => (value === undefined || value === null ? "" : String(value));

export function rowsOf(
  values: ValueDoc[] | undefined,
  words: (value: string) => Words,
): ValueRow[] {
  return (values ?? []).map((one) => {
    const doc = typeof one === "string" ? { value: one } : one;
    return {
      value: doc.value,
      words: words(doc.value),
      tone: doc.tone ?? "",
      active: doc.active ?? true,
      label: doc.label,
      fixed: false,
    };
  });
}

type FlowDoc = Record<string, (string | { to: string })[]>;

function flowOf(flow: unknown): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries((flow ?? {}) as FlowDoc).map(([from, all]) => [
      from,
      all.map((one) => (typeof one === "string" ? one : one.to)),
    ]),
  );
}

export function formOf(doc: FieldDoc, words: Words, help: Words, rows: ValueRow[]): FieldForm {
  return {
    name: doc.name ?? "",
    type: doc.type ?? "text",
    words,
    help,
    flags: Object.fromEntries([...FLAGS, "multiple"].map((name) => [name, Boolean(doc[name])])),
    fallback: doc.default ?? null,
    min: text(doc.min),
    max: text(doc.max),
    length: text(doc.length),
    scale: text(doc.scale),
    entity: text(doc.entity),
    dictionary: text(doc.dictionary),
    filter: doc.filter as Tree | undefined,
    rows,
    initial: doc.initial === undefined ? "*" : (doc.initial as string[] | "*"),
    flow: flowOf(doc.flow),
    pattern: text(doc.pattern),
    reset: text(doc.reset) || "never",
    from: text(doc.from),
    by: text(doc.by),
    op: text(doc.op) || "count",
    field: text(doc.field),
    path: text(doc.path),
    import_alias: text(doc.import_alias),
    when: Object.fromEntries(
      WHENS.filter((name) => doc[name]).map((name) => [name, doc[name] as Tree]),
    ),
  };
}

/** Whole numbers as numbers, decimals as text: a float would round them. */
const bound = (value: string) => (/^-?\d+$/.test(value) ? Number(value) : value);

/** "" in a value's name is filled from its words, so that nobody has to think of one. */
export function nameValues(rows: ValueRow[]): ValueRow[] {
  const taken = new Set(rows.map((row) => row.value).filter(Boolean));
  return rows.map((row) => {
    if (row.value) return row;
    const plain = text(row.words.en ?? row.words["zh-CN"])
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^_+|_+$/g, "")
      .slice(0, 40);
    let value = plain;
    for (let n = 1; !value || taken.has(value); n++) value = `${plain || "v"}${n}`;
    taken.add(value);
    return { ...row, value };
  });
}

function valueDoc(row: ValueRow): ValueDoc {
  const more = {
    ...(row.label ? { label: row.label } : {}),
    ...(row.tone ? { tone: row.tone } : {}),
    ...(row.active ? {} : { active: false }),
  };
  return Object.keys(more).length ? { value: row.value, ...more } : row.value;
}

function typeMembers(form: FieldForm): Record<string, unknown> {
  const { type } = form;
  const out: Record<string, unknown> = {};
  if (asks(type, "values")) out.values = form.rows.map(valueDoc);
  if (type === "state") {
    out.initial = form.initial;
    out.flow = form.flow;
  }
  if (asks(type, "scale") && form.scale) out.scale = Number(form.scale);
  if (asks(type, "multiple") && form.flags.multiple) out.multiple = true;
  if (asks(type, "entity")) out.entity = form.entity;
  if (asks(type, "entity") && form.filter) out.filter = form.filter;
  if (type === "dict") out.dictionary = form.dictionary;
  if (type === "autonumber") {
    out.pattern = form.pattern;
    out.reset = form.reset;
  }
  if (type === "rollup") {
    out.from = form.from;
    out.by = form.by;
    out.op = form.op;
    if (form.op !== "count") out.field = form.field;
  }
  if (type === "lookup") out.path = form.path;
  return out;
}

function commonMembers(form: FieldForm): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const flag of FLAGS)
    if (form.flags[flag] && (flag === "hidden" || asks(form.type, flag))) out[flag] = true;
  if (asks(form.type, "default") && form.fallback !== null && form.fallback !== "")
    out.default = form.fallback;
  if (asks(form.type, "bounds")) {
    if (form.min) out.min = bound(form.min);
    if (form.max) out.max = bound(form.max);
  }
  if (asks(form.type, "length") && form.length) out.length = Number(form.length);
  if (form.import_alias) out.import_alias = form.import_alias;
  for (const name of WHENS) if (form.when[name]) out[name] = form.when[name];
  return out;
}

/** The declaration of a field of our own. */
export function docOf(form: FieldForm): FieldDoc {
  return { name: form.name, type: form.type, ...typeMembers(form), ...commonMembers(form) };
}

const equal = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** What our bundle says of a field of another plugin: only what differs from it. */
export function changeOf(form: FieldForm, declared: FieldDoc): FieldDoc {
  const out: FieldDoc = { name: form.name };
  for (const [name, value] of Object.entries(commonMembers(form)))
    if (!equal(declared[name], value) && name !== "unique" && name !== "search") out[name] = value;
  for (const flag of ["quick", "inline"])
    if (declared[flag] && !form.flags[flag]) out[flag] = false;
  const fresh = form.rows.filter((row) => !row.fixed);
  if (asks(form.type, "values") && fresh.length) out.values = fresh.map(valueDoc);
  return out;
}

/** Does the change say anything at all? */
export const saysSomething = (change: FieldDoc) => Object.keys(change).length > 1;

/** What is missing before it can be kept: names of inputs. */
export function missing(form: FieldForm): string[] {
  const out: string[] = [];
  const { type } = form;
  if (!form.words["zh-CN"] && !form.words.en) out.push("label");
  if (!/^x_[a-z0-9_]{1,60}$/.test(form.name)) out.push("name");
  if (asks(type, "values") && !form.rows.length) out.push("values");
  if (asks(type, "entity") && !form.entity) out.push("entity");
  if (type === "dict" && !form.dictionary) out.push("dictionary");
  if (type === "autonumber" && !form.pattern.includes("{counter")) out.push("pattern");
  if (type === "rollup" && (!form.from || !form.by)) out.push("from");
  if (type === "rollup" && form.op !== "count" && !form.field) out.push("field");
  if (type === "lookup" && !form.path.includes(".")) out.push("path");
  return out;
}

/** Key of a field's words: its label where that is a key, else by its place. */
export function wordsKey(plugin: string, entity: string, name: string, label?: unknown): string {
  const own = typeof label === "string" && label.startsWith("@") ? label.slice(1) : "";
  const key = own || `${entity}.${name}`;
  return plugin === CUSTOM || key.includes(":") ? key : `${plugin}:${key}`;
}
