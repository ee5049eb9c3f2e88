// format - values of fields as people read them.
// SPDX-License-Identifier: MIT
import type { Field, Option } from "@/api/types";
import { plainText } from "./richtext";
import { wallOf } from "./zoned";

export interface Locale {
  lang: string;
  zone: string;
  yes: string;
  no: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isEmpty = (value: unknown) =>
  value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);

export function optionOf(field: Field, value: unknown): Option | undefined {
  return field.options?.find((option) => option.value === value);
}

/** What a field shows as: a look-up or a computed field shows its result. */
export const shownType = (field: Field) => field.result ?? field.type;

export const isReference = (field: Field) =>
  Boolean(field.ref) && !["refs", "ref_any"].includes(field.type);

export const isNumeric = (field: Field) =>
  ["int", "decimal", "money", "percent", "duration", "rating"].includes(shownType(field));

export const isChoice = (field: Field) => Boolean(field.options?.length);

/** Digits of any length are grouped as text: a float would round them. */
export function grouped(text: string): string {
  const [, sign, whole, rest] = /^(-?)(\d+)(\.\d+)?$/.exec(text) ?? [];
  if (whole === undefined) return text;
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest ?? "");
}

/** How many there are; counting ends somewhere, and "+" says so. */
export const counted = (count: number, capped?: boolean) =>
  grouped(String(count)) + (capped ? "+" : "");

const SIGNS: Record<string, string> = { CNY: "¥", USD: "$", EUR: "€", GBP: "£", JPY: "¥" };

export function money(value: unknown): string {
  if (!isObject(value)) return "";
  const currency = String(value.currency ?? "");
  const sign = SIGNS[currency];
  const amount = grouped(String(value.amount ?? ""));
  if (!sign) return `${currency} ${amount}`.trim();
  return amount.startsWith("-") ? `-${sign}${amount.slice(1)}` : sign + amount;
}

const LONG_AMOUNT = 100_000;

/** Where there is little room: ¥1.4亿, ¥139.9M. Smaller amounts stay as they are. */
export function shortMoney(value: unknown, lang: string): string {
  const amount = isObject(value) ? Number(value.amount) : Number.NaN;
  if (!isObject(value) || !(Math.abs(amount) >= LONG_AMOUNT)) return money(value);
  const how = { notation: "compact", maximumFractionDigits: 1 } as const;
  return money({ ...value, amount: new Intl.NumberFormat(lang, how).format(amount) });
}

/** "2026-03-11 09:05", the same in both languages; this year's year is left out in lists. */
export function moment(value: unknown, locale: Locale, short = false): string {
  const at = Date.parse(String(value));
  if (Number.isNaN(at)) return String(value);
  const wall = wallOf(at, locale.zone).slice(0, 16).replace("T", " ");
  const year = wallOf(Date.now(), locale.zone).slice(0, 5);
  return short && wall.startsWith(year) ? wall.slice(5) : wall;
}

export function duration(seconds: unknown, lang: string): string {
  const total = Number(seconds);
  if (!Number.isFinite(total)) return String(seconds);
  const [d, h, m] = lang === "en" ? ["d", "h", "min"] : ["天", "小时", "分"];
  const parts: string[] = [];
  const days = Math.floor(total / 86_400);
  const hours = Math.floor((total % 86_400) / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const gap = lang === "en" ? " " : "";
  if (days) parts.push(`${days}${gap}${d}`);
  if (hours) parts.push(`${hours}${gap}${h}`);
  if (minutes || !parts.length) parts.push(`${minutes}${gap}${m}`);
  return parts.join(" ");
}

export function address(value: Record<string, unknown>, lang: string): string {
  const names = ["country", "province", "city", "district", "street", "text", "postcode"];
  const parts = names
    .map((name) => value[name])
    .filter((part) => !isEmpty(part))
    .map(String);
  if (!parts.length)
    return Object.values(value)
      .filter((part) => !isEmpty(part))
      .join(" ");
  return lang === "en" ? parts.reverse().join(", ") : parts.join("");
}

/** "+8613900001111" as 139 0000 1111, "+865126211178" as 0512 6211178; others as they are. */
export function phone(value: unknown): string {
  const text = String(value);
  const mobile = /^\+86(1[3-9]\d)(\d{4})(\d{4})$/.exec(text);
  if (mobile) return `${mobile[1]} ${mobile[2]} ${mobile[3]}`;
  const fixed = /^\+86(10|2\d|[3-9]\d{2})(\d{7,8})$/.exec(text);
  return fixed ? `0${fixed[1]} ${fixed[2]}` : text;
}

export function titleOf(value: unknown): string {
  if (!isObject(value)) return isEmpty(value) ? "" : String(value);
  return String(value.title ?? value.name ?? value.id ?? "");
}

/** Digits behind the point that say nothing: 40.000 pieces are 40. Money keeps its own. */
const shortest = (text: string) => text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");

function one(field: Field, value: unknown, locale: Locale): string {
  if (isChoice(field)) return optionOf(field, value)?.label ?? String(value);
  switch (shownType(field)) {
    case "money":
      return money(value);
    case "bool":
      return value ? locale.yes : locale.no;
    case "datetime":
      return moment(value, locale);
    case "int":
      return grouped(String(value));
    case "decimal":
      return grouped(shortest(String(value)));
    case "percent":
      return `${shortest(String(value))}%`;
    case "duration":
      return duration(value, locale.lang);
    case "phone":
      return phone(value);
    case "richtext":
      return plainText(String(value));
    case "address":
      return isObject(value) ? address(value, locale.lang) : String(value);
    case "geo":
      return isObject(value) ? Object.values(value).join(", ") : String(value);
    case "json":
      return JSON.stringify(value);
  }
  if (isObject(value) && "amount" in value && "currency" in value) return money(value);
  return isObject(value) ? titleOf(value) || JSON.stringify(value) : String(value);
}

/** A value of a field as text; empty is "". */
export function formatValue(field: Field, value: unknown, locale: Locale): string {
  if (isEmpty(value)) return "";
  if (Array.isArray(value)) {
    return value.map((item) => one(field, item, locale)).join(locale.lang === "en" ? ", " : "、");
  }
  return one(field, value, locale);
}
