// calendar - days, weeks and months as grids of days, in the zone of the person.
// SPDX-License-Identifier: MIT
import { dayNumber, dayOf, dayText, instantOf, startOfDay, wallOf } from "./zoned";

export const SPANS = ["day", "week", "month"] as const;
export type Span = (typeof SPANS)[number];

const WEEK = 7;

/** Monday first, as offices here have it. */
export function weekStart(day: string): string {
  const number = dayNumber(day);
  return dayText(number - ((number + 3) % WEEK)); // 1970-01-01 was a Thursday
}

export function daysOf(span: Span, day: string): string[] {
  if (span === "day") return [day];
  const from =
    span === "week" ? dayNumber(weekStart(day)) : dayNumber(weekStart(`${day.slice(0, 7)}-01`));
  if (span === "week") return Array.from({ length: WEEK }, (_, i) => dayText(from + i));
  const out: string[] = [];
  for (let n = from; out.length < WEEK || dayText(n).slice(0, 7) === day.slice(0, 7); n += WEEK) {
    for (let i = 0; i < WEEK; i++) out.push(dayText(n + i));
  }
  return out;
}

export function step(span: Span, day: string, by: number): string {
  if (span === "day") return dayText(dayNumber(day) + by);
  if (span === "week") return dayText(dayNumber(day) + by * WEEK);
  const at = new Date(`${day.slice(0, 7)}-01T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() + by);
  return at.toISOString().slice(0, 10);
}

/** From the first instant of the first day to the first behind the last, as the server takes it. */
export function rangeOf(days: string[], zone: string): [string, string] {
  const last = dayText(dayNumber(days[days.length - 1]) + 1);
  const text = (day: string) => new Date(startOfDay(day, zone)).toISOString();
  return [text(days[0]), text(last)];
}

/** A date is its own day; an instant lies on the day of the person's zone. */
export function dayFor(value: unknown, zone: string): string {
  const text = String(value ?? "");
  return text.length === 10 ? text : dayOf(Date.parse(text), zone);
}

export function timeFor(value: unknown, zone: string): string {
  const text = String(value ?? "");
  return text.length === 10 ? "" : wallOf(Date.parse(text), zone).slice(11, 16);
}

/** The same hour on another day; dates stay dates. */
export function moveTo(value: unknown, day: string, zone: string): string {
  const text = String(value ?? "");
  if (text.length === 10) return day;
  const wall = wallOf(Date.parse(text), zone);
  return new Date(instantOf(`${day}${wall.slice(10)}`, zone)).toISOString();
}
