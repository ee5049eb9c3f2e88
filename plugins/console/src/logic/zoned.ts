// zoned - instants and days in the zone of the person, whatever zone the browser is in.
// SPDX-License-Identifier: MIT

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function parts(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, format);
  }
  return format;
}

/** The wall clock at an instant: "2026-03-11T09:05:00". */
export function wallOf(instantMs: number, zone: string): string {
  const at: Record<string, string> = {};
  for (const part of parts(zone).formatToParts(instantMs)) at[part.type] = part.value;
  return `${at.year}-${at.month}-${at.day}T${at.hour}:${at.minute}:${at.second}`;
}

/** How far the zone's clock is ahead of UTC at an instant. */
function offsetMs(instantMs: number, zone: string): number {
  return Date.parse(`${wallOf(instantMs, zone)}Z`) - Math.floor(instantMs / 1000) * 1000;
}

/** The instant of a wall clock; where clocks jump, the later reading. NaN if it is no time. */
export function instantOf(wall: string, zone: string): number {
  const asUtc = Date.parse(`${wall.length === 16 ? `${wall}:00` : wall}Z`);
  if (Number.isNaN(asUtc)) return asUtc;
  const guess = asUtc - offsetMs(asUtc, zone);
  return asUtc - offsetMs(guess, zone);
}

export function dayOf(instantMs: number, zone: string): string {
  return wallOf(instantMs, zone).slice(0, 10);
}

export function startOfDay(day: string, zone: string): number {
  return instantOf(`${day}T00:00`, zone);
}

/** Days as numbers, so that they can be counted with. */
export function dayNumber(day: string): number {
  return Math.round(Date.parse(`${day}T00:00:00Z`) / DAY_MS);
}

export function dayText(number: number): string {
  return new Date(number * DAY_MS).toISOString().slice(0, 10);
}
