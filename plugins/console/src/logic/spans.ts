// spans - records along time: the months that are shown, and where in them a record lies.
// SPDX-License-Identifier: MIT
import { dayFor } from "./calendar";
import type { Tree } from "./filter";
import { dayNumber, dayText, startOfDay } from "./zoned";

export const WINDOWS = ["month", "quarter", "year"] as const;
export type Window = (typeof WINDOWS)[number];

export interface Stretch {
  from: string; // first day
  to: string; // last day
}

const MONTHS: Record<Window, number> = { month: 1, quarter: 3, year: 12 };

function monthFrom(day: string, by: number): string {
  const at = new Date(`${day.slice(0, 7)}-01T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() + by);
  return at.toISOString().slice(0, 10);
}

/** The month, quarter or year that a day lies in. */
export function stretchOf(window: Window, day: string): Stretch {
  const month = Number(day.slice(5, 7)) - 1;
  const from = monthFrom(day, -(month % MONTHS[window]));
  return { from, to: dayText(dayNumber(monthFrom(from, MONTHS[window])) - 1) };
}

export const stretchBy = (window: Window, day: string, by: number): string =>
  monthFrom(stretchOf(window, day).from, by * MONTHS[window]);

/** Where a day begins, in percent of the stretch. */
export function placeOf(day: string, { from, to }: Stretch): number {
  const first = dayNumber(from);
  return ((dayNumber(day) - first) / (dayNumber(to) + 1 - first)) * 100;
}

/** What stands above: weeks in a month, else months. */
export function ticksOf(window: Window, stretch: Stretch): { day: string; at: number }[] {
  const days: string[] = [];
  const step = (day: string) =>
    window === "month" ? dayText(dayNumber(day) + 7) : monthFrom(day, 1);
  for (let day = stretch.from; day <= stretch.to; day = step(day)) days.push(day);
  return days.map((day) => ({ day, at: placeOf(day, stretch) }));
}

export interface Bar {
  left: number;
  width: number; // in percent; 0: a point
  begins: boolean; // inside the stretch
  ends: boolean;
}

/** Where a record lies that begins and ends on days; with one of them it is a point. */
export function barOf(start: string, end: string, stretch: Stretch): Bar | null {
  const [from, to] = [start || end, end || start];
  if (!from || to < stretch.from || from > stretch.to) return null;
  if (!start || !end) {
    const noon = (placeOf(from, stretch) + placeOf(dayText(dayNumber(from) + 1), stretch)) / 2;
    return { left: noon, width: 0, begins: true, ends: true };
  }
  const left = Math.max(0, placeOf(from, stretch));
  const right = Math.min(100, placeOf(dayText(dayNumber(to) + 1), stretch));
  return {
    left,
    width: Math.max(0, right - left),
    begins: from >= stretch.from,
    ends: to <= stretch.to,
  };
}

/** The days of a record, in the person's zone; "" where it has none. */
export const dayIn = (value: unknown, zone: string): string =>
  value ? dayFor(value, zone) : "";

interface When {
  name: string;
  isDate: boolean;
}

function edges({ isDate }: When, { from, to }: Stretch, zone: string): { min: Tree; max: Tree } {
  if (isDate) return { min: { gte: from }, max: { lte: to } };
  const text = (day: string) => new Date(startOfDay(day, zone)).toISOString();
  return { min: { gte: text(from) }, max: { lt: text(dayText(dayNumber(to) + 1)) } };
}

/** What lies in the stretch, wholly or in part; what has one of two days lies on that. */
export function withinTree(fields: When[], stretch: Stretch, zone: string): Tree {
  const [start, end] = fields;
  const one = edges(start, stretch, zone);
  const inside = (when: When): Tree => {
    const { min, max } = edges(when, stretch, zone);
    return { and: [{ [when.name]: min }, { [when.name]: max }] };
  };
  if (!end) return inside(start);
  const crossing: Tree[] = [{ [start.name]: one.max }];
  return {
    or: [
      { and: [...crossing, { [end.name]: edges(end, stretch, zone).min }] },
      { and: [{ [end.name]: null }, inside(start)] },
      { and: [{ [start.name]: null }, inside(end)] },
    ],
  };
}
