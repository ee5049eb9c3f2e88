// typeddate - days and times as people type them: 2026-03-11, 2026/3/11, 3-11, 20260311 9:05.
// SPDX-License-Identifier: MIT

const DAY = /^(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})日?$/;
const PACKED = /^(\d{4})(\d{2})(\d{2})$/;
const TIME = /^(\d{1,2})[:：](\d{2})(?::\d{2})?$/;

const two = (n: number) => String(n).padStart(2, "0");

/** "2026-03-11", or undefined where it is no day; without a year it is this one. */
export function dayTyped(text: string, today: string): string | undefined {
  const found = PACKED.exec(text) ?? DAY.exec(text);
  if (!found) return undefined;
  const [year, month, day] = [found[1] ?? today.slice(0, 4), found[2], found[3]].map(Number);
  const at = new Date(Date.UTC(year, month - 1, day));
  const isDay = at.getUTCMonth() === month - 1 && at.getUTCDate() === day && year > 999;
  return isDay ? `${year}-${two(month)}-${two(day)}` : undefined;
}

/** "09:05", or undefined where it is no time. */
export function timeTyped(text: string): string | undefined {
  const found = TIME.exec(text);
  if (!found || Number(found[1]) > 23 || Number(found[2]) > 59) return undefined;
  return `${two(Number(found[1]))}:${found[2]}`;
}

/** "2026-03-11T09:05"; a day alone begins at `usual`. */
export function momentTyped(text: string, today: string, usual = "09:00"): string | undefined {
  const [day, time = usual, more] = text.trim().split(/[T\s]+/);
  const [on, at] = [dayTyped(day, today), timeTyped(time)];
  return on && at && more === undefined ? `${on}T${at}` : undefined;
}
