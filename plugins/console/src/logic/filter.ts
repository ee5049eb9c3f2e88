// filter - the filter tree of the server, asked of a record in the page.
// SPDX-License-Identifier: MIT
//
// core/record/filter.h says what a tree means; tests/fixtures/filters.json is run by both sides.
// What the page has not loaded is unknown: it is neither true nor false, and so is its opposite;
// what is unknown at the end counts as false.

import { dayNumber, dayOf, dayText, instantOf, startOfDay } from "./zoned";

export type Tree = Record<string, unknown>;
export type Row = Record<string, unknown>;
type Truth = boolean | undefined;

export interface FilterField {
  type: string;
  ref?: string;
  multiple?: boolean;
}

export interface FilterScope {
  entity: string;
  now: number;
  zone: string;
  currency: string;
  me: { id: string; team?: string | null; department?: string | null; subtree?: string[] };
  field(entity: string, name: string): FilterField | undefined;
  /** A record that a reference names, or undefined where it has not been loaded. */
  lookup(entity: string, id: string): Row | undefined;
  /** Records of a relation ("task.deal" or "task") that point at this one. */
  referrers?(
    entity: string,
    relation: string,
    row: Row,
  ): { entity: string; rows: Row[] } | undefined;
}

const LISTS = new Set(["tags", "refs", "multienum", "files"]);
const TIMES = new Set(["date", "datetime"]);
const NUMBERS = new Set(["int", "decimal", "percent", "rating", "duration"]);
const NEXT: Record<string, number> = { last: -1, this: 0, next: 1 };

export function isList(field: Pick<FilterField, "type" | "multiple">): boolean {
  return Boolean(field.multiple) || LISTS.has(field.type);
}

const not = (truth: Truth): Truth => (truth === undefined ? undefined : !truth);

function all(truths: Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(undefined) ? undefined : true;
}

function any(truths: Truth[]): Truth {
  if (truths.includes(true)) return true;
  return truths.includes(undefined) ? undefined : false;
}

const isEmpty = (value: unknown) =>
  value === null || value === undefined || (Array.isArray(value) && value.length === 0);

const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What differs only in case, width or accents is the same to contains and prefix. */
export function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").normalize("NFKC").toLowerCase();
}

/** Decimals as whole numbers of millionths: exact, and nothing a person enters has more digits. */
function scaled(value: unknown): bigint | undefined {
  const match = /^([+-]?)(\d+)(?:\.(\d{1,6})\d*)?$/.exec(String(value));
  if (!match) return undefined;
  const whole = BigInt(match[2] + (match[3] ?? "").padEnd(6, "0"));
  return match[1] === "-" ? -whole : whole;
}

interface Money {
  amount?: string;
  minor?: number;
  currency?: string;
  rate?: string;
}

function moneyUnits(money: Money): bigint | undefined {
  return money.minor !== undefined ? BigInt(money.minor) * 10_000n : scaled(money.amount);
}

const MILLION = 1_000_000n;

/** Both sides as numbers that compare; undefined where they are of two currencies. */
function moneyPair(value: unknown, asked: unknown, scope: FilterScope) {
  const money = value as Money;
  const units = moneyUnits(money);
  if (isTree(asked)) {
    const other = asked as Money;
    if (other.currency && other.currency !== money.currency) return undefined;
    return [units, moneyUnits(other)] as const;
  }
  const foreign = money.currency && money.currency !== scope.currency;
  const rate = foreign ? scaled(money.rate) : MILLION;
  if (units === undefined || rate === undefined) return undefined;
  return [(units * rate) / MILLION, scaled(asked)] as const;
}

function compareText(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const by = left[i].codePointAt(0)! - right[i].codePointAt(0)!;
    if (by) return by;
  }
  return left.length - right.length;
}

/** The order of a stored value and one that is asked for, or undefined where there is none. */
function compare(field: FilterField, value: unknown, asked: unknown, scope: FilterScope) {
  if (field.type === "money") {
    const pair = moneyPair(value, asked, scope);
    if (!pair || pair[0] === undefined || pair[1] === undefined) return undefined;
    return pair[0] < pair[1] ? -1 : pair[0] > pair[1] ? 1 : 0;
  }
  if (NUMBERS.has(field.type)) {
    const [a, b] = [scaled(value), scaled(asked)];
    if (a === undefined || b === undefined) return undefined;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (field.type === "bool") return Number(value) - Number(asked);
  return compareText(String(value), String(asked));
}

function variable(asked: unknown, scope: FilterScope): unknown {
  if (typeof asked !== "string" || !asked.startsWith("$")) return asked;
  if (asked === "$me") return scope.me.id;
  if (asked === "$my_team") return scope.me.team ?? undefined;
  if (asked === "$my_department") return scope.me.department ?? undefined;
  if (asked === "$my_subtree") return scope.me.subtree ?? [];
  if (asked === "$today") return dayOf(scope.now, scope.zone);
  if (asked === "$now") return new Date(scope.now).toISOString();
  return asked;
}

/* --- days --- */

interface Span {
  from: number; // instants, or days as numbers; `to` is the first one behind
  to: number;
}

function monthStart(day: string, months: number): string {
  const at = new Date(`${day.slice(0, 7)}-01T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() + months);
  return at.toISOString().slice(0, 10);
}

function unitSpan(unit: string, step: number, today: string): [string, string] | undefined {
  if (unit === "week") {
    const monday = dayNumber(today) - ((dayNumber(today) + 3) % 7);
    return [dayText(monday + 7 * step), dayText(monday + 7 * step + 7)];
  }
  const length = { month: 1, quarter: 3, year: 12 }[unit];
  if (!length) return undefined;
  const month = Number(today.slice(5, 7)) - 1;
  const first = -(month % length) + step * length;
  return [monthStart(today, first), monthStart(today, first + length)];
}

function daysOf(op: string, count: unknown, scope: FilterScope): [string, string] | undefined {
  const today = dayOf(scope.now, scope.zone);
  const number = dayNumber(today);
  const one = { yesterday: -1, today: 0, tomorrow: 1 }[op];
  if (one !== undefined) return [dayText(number + one), dayText(number + one + 1)];
  if (op === "last_days") return [dayText(number - Number(count)), dayText(number + 1)];
  if (op === "next_days") return [today, dayText(number + Number(count) + 1)];
  const [step, unit] = op.split("_");
  return step in NEXT && unit ? unitSpan(unit, NEXT[step], today) : undefined;
}

const isDay = (asked: unknown): asked is string =>
  typeof asked === "string" && /^\d{4}-\d{2}-\d{2}$/.test(asked);

/** What is asked of a time, as a span: a day is all of it, an instant is itself. */
function spanOf(field: FilterField, asked: unknown, scope: FilterScope): Span | undefined {
  if (isDay(asked)) {
    const next = dayText(dayNumber(asked) + 1);
    return field.type === "date"
      ? { from: dayNumber(asked), to: dayNumber(next) }
      : { from: startOfDay(asked, scope.zone), to: startOfDay(next, scope.zone) };
  }
  const at = Date.parse(String(asked));
  if (Number.isNaN(at)) return undefined;
  if (field.type === "date") {
    const day = dayNumber(dayOf(at, scope.zone));
    return { from: day, to: day + 1 };
  }
  return { from: at, to: at + 1 };
}

function timeOf(field: FilterField, value: unknown, scope: FilterScope): number {
  if (field.type === "date") return dayNumber(String(value).slice(0, 10));
  const text = String(value);
  return isDay(text) ? instantOf(`${text}T00:00`, scope.zone) : Date.parse(text);
}

function testTime(field: FilterField, op: string, value: unknown, asked: unknown, s: FilterScope) {
  const at = timeOf(field, value, s);
  if (op === "between") {
    const [low, high] = asked as unknown[];
    const from = low === null ? undefined : spanOf(field, low, s);
    const to = high === null ? undefined : spanOf(field, high, s);
    return (!from || at >= from.from) && (!to || at < to.to);
  }
  const span = spanOf(field, asked, s);
  if (!span) return undefined;
  if (op === "eq") return at >= span.from && at < span.to;
  if (op === "lt") return at < span.from;
  if (op === "lte") return at < span.to;
  if (op === "gt") return at >= span.to;
  return at >= span.from;
}

/* --- one condition --- */

function equals(field: FilterField, value: unknown, given: unknown, scope: FilterScope): Truth {
  const asked = variable(given, scope);
  if (asked === undefined) return typeof given === "string" ? undefined : false;
  if (Array.isArray(asked)) return any(asked.map((one) => equals(field, value, one, scope)));
  if (asked === null) return isEmpty(value);
  if (isEmpty(value)) return false;
  if (isList(field)) return (value as unknown[]).map(idOf).includes(asked);
  if (TIMES.has(field.type)) return testTime(field, "eq", value, asked, scope);
  if (field.ref) return idOf(value) === asked;
  return compare(field, value, asked, scope) === 0;
}

/** An expanded reference is an object; its id is what conditions speak of. */
export function idOf(value: unknown): unknown {
  return isTree(value) && "id" in value ? value.id : value;
}

function order(op: string, field: FilterField, value: unknown, given: unknown, scope: FilterScope) {
  const asked = variable(given, scope);
  if (isEmpty(value) || asked === undefined) return false;
  if (TIMES.has(field.type)) return testTime(field, op, value, asked, scope);
  if (op === "between") {
    const [low, high] = asked as unknown[];
    const above = low === null || (compare(field, value, low, scope) ?? -1) >= 0;
    return above && (high === null || (compare(field, value, high, scope) ?? 1) <= 0);
  }
  const by = compare(field, value, asked, scope);
  if (by === undefined) return false;
  return { lt: by < 0, lte: by <= 0, gt: by > 0, gte: by >= 0 }[op];
}

function test(
  op: string,
  field: FilterField,
  value: unknown,
  asked: unknown,
  s: FilterScope,
): Truth {
  switch (op) {
    case "eq":
      return equals(field, value, asked, s);
    case "ne":
      return not(equals(field, value, asked, s));
    case "in":
      return any((asked as unknown[]).map((one) => equals(field, value, one, s)));
    case "nin":
      return not(any((asked as unknown[]).map((one) => equals(field, value, one, s))));
    case "null":
      return isEmpty(value) === asked;
    case "not":
      return not(condition(field, value, asked, s));
    case "has":
      return equals(field, value, asked, s);
    case "contains":
    case "prefix": {
      if (isEmpty(value)) return false;
      const [text, part] = [fold(textOf(value)), fold(String(asked))];
      return op === "prefix" ? text.startsWith(part) : text.includes(part);
    }
    case "lt":
    case "lte":
    case "gt":
    case "gte":
    case "between":
      return order(op, field, value, asked, s);
  }
  const days = daysOf(op, asked, s);
  if (!days) return undefined;
  const last = dayText(dayNumber(days[1]) - 1);
  const inside = !isEmpty(value) && testTime(field, "between", value, [days[0], last], s);
  return asked === false ? not(inside) : inside;
}

function textOf(value: unknown): string {
  return isTree(value) ? Object.values(value).join(" ") : String(value);
}

function condition(field: FilterField, value: unknown, asked: unknown, scope: FilterScope): Truth {
  const isMoney =
    field.type === "money" && isTree(asked) && ("amount" in asked || "minor" in asked);
  if (!isTree(asked) || isMoney) return equals(field, value, asked, scope);
  return all(Object.entries(asked).map(([op, part]) => test(op, field, value, part, scope)));
}

/** Follows a path; a reference that has not been loaded gives no field. */
function member(path: string, asked: unknown, row: Row, scope: FilterScope): Truth {
  let entity = scope.entity;
  let at: Row | null = row;
  const names = path.split(".");
  for (const [i, name] of names.entries()) {
    const field = scope.field(entity, name);
    if (!field) return undefined;
    if (at && !(name in at) && entity === scope.entity && i === 0 && row.$partial) return undefined;
    const value: unknown = at ? (at[name] ?? null) : null;
    if (i === names.length - 1) return condition(field, value, asked, scope);
    if (!field.ref) return undefined;
    entity = field.ref;
    if (value === null) at = null;
    else {
      const next: Row | undefined = isTree(value) ? value : scope.lookup(entity, String(value));
      if (!next) return undefined;
      at = next;
    }
  }
  return undefined;
}

function exists(asked: Tree, row: Row, scope: FilterScope): Truth {
  const truths = Object.entries(asked).map(([relation, tree]): Truth => {
    const found = scope.referrers?.(scope.entity, relation, row);
    if (!found) return undefined;
    const inner = { ...scope, entity: found.entity };
    return any(found.rows.map((one) => evaluate(tree as Tree, one, inner)));
  });
  return all(truths);
}

/** Three-valued: undefined is "cannot be known here". */
export function evaluate(tree: Tree, row: Row, scope: FilterScope): Truth {
  const truths = Object.entries(tree).map(([key, asked]): Truth => {
    if (key === "and") return all((asked as Tree[]).map((one) => evaluate(one, row, scope)));
    if (key === "or") return any((asked as Tree[]).map((one) => evaluate(one, row, scope)));
    if (key === "not") return not(evaluate(asked as Tree, row, scope));
    if (key === "exists") return exists(asked as Tree, row, scope);
    return member(key, asked, row, scope);
  });
  return all(truths);
}

/** Does the record match? What cannot be known here does not. */
export function matches(tree: Tree | undefined, row: Row, scope: FilterScope): boolean {
  return !tree || evaluate(tree, row, scope) === true;
}

/** The fields that a tree speaks of; of a path the first. */
export function fieldsIn(tree: Tree | undefined): string[] {
  return Object.entries(tree ?? {}).flatMap(([key, asked]) => {
    if (key === "and" || key === "or") return (asked as Tree[]).flatMap(fieldsIn);
    if (key === "not") return fieldsIn(asked as Tree);
    return key === "exists" ? [] : [key.split(".")[0]];
  });
}
