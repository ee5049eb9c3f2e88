// series - rows of a report with two groups as several lines or bars over one axis.
// SPDX-License-Identifier: MIT
//
// Time is the axis, else what the report groups by first. One line through both groups would join
// what has nothing to do with each other.
import type { View } from "@/api/types";
import { groupsOf, measuresOf, type ReportRow } from "./report";

export interface Series {
  name: string;
  cells: number[]; // for each place of the axis the row, or NONE
}

export interface Grid {
  axis: string[];
  series: Series[];
  stacked: boolean; // what is counted or summed stands on top of each other
}

export const NONE = -1;
const SERIES_MAX = 8; // more than these nobody tells apart

/** undefined: one bar or point for each row. */
export function gridOf(view: View, rows: ReportRow[]): Grid | undefined {
  const groups = groupsOf(view);
  if (groups.length !== 2 || !["bar", "line", undefined].includes(view.chart)) return undefined;
  const across = groups[1].by && !groups[0].by ? 1 : 0;
  const isTime = Boolean(groups[across].by);
  const distinct = (at: number) => [...new Set(rows.map((row) => row.parts[at]))];
  const axis = isTime ? distinct(across).sort() : distinct(across);
  const names = distinct(1 - across);
  if (!names.length || names.length > SERIES_MAX) return undefined;
  const place = new Map(axis.map((name, i) => [name, i]));
  const series = names.map((name) => ({ name, cells: axis.map(() => NONE) }));
  const of = new Map(names.map((name, i) => [name, series[i]]));
  rows.forEach((row, i) => {
    of.get(row.parts[1 - across])!.cells[place.get(row.parts[across])!] = i;
  });
  const [measure] = measuresOf(view);
  const adds = typeof measure === "string" && /^(count|sum\.)/.test(measure);
  return { axis, series, stacked: adds && view.chart !== "line" && names.length > 1 };
}

/** Which row is nearest to a place in the chart: `x` of the axis, `y` in the measure's unit. */
export function rowAt(grid: Grid, rows: ReportRow[], x: number, y: number): number {
  const there = grid.series.map(({ cells }) => cells[x] ?? NONE).filter((row) => row !== NONE);
  if (!grid.stacked) {
    const far = (row: number) => Math.abs(rows[row].value - y);
    return there.reduce((best, row) => (best === NONE || far(row) < far(best) ? row : best), NONE);
  }
  let top = 0;
  for (const row of there) {
    top += rows[row].value;
    if (y <= top) return row;
  }
  return there.at(-1) ?? NONE;
}
