// pages - a long list as pages that come and go: which are held, which are wanted, which part of
// the rows is drawn.
// SPDX-License-Identifier: MIT
//
// A page is known by the mark it begins at, so it can be asked for again at any time. What is far
// from what is looked at is forgotten, and stays as an empty place of the same size.

export interface PageMark {
  cursor: string | null;
  size: number;
  held: boolean;
}

export const HELD_ROWS_MAX = 1000;
export const AHEAD_ROWS = 25; // the next page is asked for when so few are left
export const DRAWN_ROWS_MIN = 50;
const DRAWN_STEP = 10;
const SPARE_ROWS = 20;

export const startOf = (pages: PageMark[], at: number): number =>
  pages.slice(0, at).reduce((sum, page) => sum + page.size, 0);

/** The first page within rows [from, to) that has been forgotten, or -1. */
export function missingPage(pages: PageMark[], from: number, to: number): number {
  let start = 0;
  for (let at = 0; at < pages.length; at++) {
    const end = start + pages[at].size;
    if (!pages[at].held && start < to && end > from) return at;
    start = end;
  }
  return -1;
}

/** Pages to forget, the farthest from [from, to) first, until at most `most` rows are held. */
export function surplusPages(
  pages: PageMark[],
  from: number,
  to: number,
  most = HELD_ROWS_MAX,
): number[] {
  let start = 0;
  let held = 0;
  const far: { at: number; size: number; away: number }[] = [];
  pages.forEach(({ size, held: isHeld }, at) => {
    if (isHeld) {
      held += size;
      far.push({ at, size, away: Math.max(start - to, from - (start + size)) });
    }
    start += size;
  });
  far.sort((a, b) => b.away - a.away);
  const out: number[] = [];
  for (const { at, size, away } of far) {
    if (held <= most || away < 0) break;
    out.push(at);
    held -= size;
  }
  return out;
}

/** An order read from its end: the server breaks ties by id in the direction of the last key. */
export function flippedSort(sort: string | undefined): string {
  const keys = (sort ?? "").split(",").filter(Boolean);
  if (!keys.length) return "id";
  return keys.map((key) => (key.startsWith("-") ? key.slice(1) : `-${key}`)).join(",");
}

/** The rows that are drawn for what is seen of a table; in steps, so that most moves draw none. */
export function drawnRows(top: number, height: number, row: number, count: number) {
  const seen = Math.ceil(height / row);
  const size = Math.max(DRAWN_ROWS_MIN, seen + SPARE_ROWS);
  const spare = (size - seen) / 2;
  const wanted = Math.floor((top / row - spare) / DRAWN_STEP) * DRAWN_STEP;
  const from = Math.max(0, Math.min(wanted, count - size));
  return { from, to: Math.min(count, from + size) };
}
