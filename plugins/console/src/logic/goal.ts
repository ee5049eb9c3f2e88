// goal - how much of a target has been reached, and how much of its time has passed.
// SPDX-License-Identifier: MIT
import { weekStart } from "./calendar";
import { grouped, money } from "./format";
import { dayNumber } from "./zoned";

export interface Progress {
  reached: string;
  target: string; // "": there is none
  percent: number;
  rest: string; // how much is missing, or more than was asked for
  isOver: boolean;
}

const amountOf = (value: unknown): number => {
  const plain = typeof value === "object" && value ? (value as { amount?: unknown }).amount : value;
  const number = Number(plain ?? 0);
  return Number.isFinite(number) ? number : 0;
};

const currencyOf = (value: unknown): string | undefined =>
  typeof value === "object" && value ? (value as { currency?: string }).currency : undefined;

/** A target that is a bare number is of the same currency as what has been reached. */
export function progressOf(reached: unknown, target: unknown, usual?: string): Progress {
  const currency = currencyOf(reached) ?? currencyOf(target) ?? usual;
  const text = (number: number) => {
    const digits = Number.isInteger(number) ? String(number) : number.toFixed(2);
    return currency ? money({ amount: number.toFixed(2), currency }) : grouped(digits);
  };
  const [is, wanted] = [amountOf(reached), amountOf(target)];
  const has = wanted > 0;
  return {
    reached: text(is),
    target: has ? text(wanted) : "",
    percent: has ? Math.max(0, Math.floor((is / wanted) * 1000) / 10) : 0,
    rest: text(Math.abs(wanted - is)),
    isOver: has && is >= wanted,
  };
}

const MONTHS: Record<string, number> = { this_month: 1, this_quarter: 3, this_year: 12 };

/** How much of a period is over at the end of a day, in percent; null where it does not run now. */
export function elapsed(period: string, today: string): number | null {
  let from = weekStart(today);
  let days = 7;
  if (period !== "this_week") {
    const months = MONTHS[period];
    if (!months) return null;
    const month = Number(today.slice(5, 7)) - 1;
    const at = new Date(`${today.slice(0, 7)}-01T00:00:00Z`);
    at.setUTCMonth(at.getUTCMonth() - (month % months));
    from = at.toISOString().slice(0, 10);
    at.setUTCMonth(at.getUTCMonth() + months);
    days = dayNumber(at.toISOString().slice(0, 10)) - dayNumber(from);
  }
  return Math.round(((dayNumber(today) - dayNumber(from) + 1) / days) * 100);
}
