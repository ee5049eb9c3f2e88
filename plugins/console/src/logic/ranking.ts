// ranking - people in the order of what they have reached, and where one stands oneself.
// SPDX-License-Identifier: MIT
import type { Entity, View } from "@/api/types";
import { type Locale, money } from "./format";
import { groupsOf, measureName, measuresOf, type ReportData, rowsOf } from "./report";
import type { Tree } from "./filter";

export interface Place {
  id: string;
  place: number; // who has reached the same shares it
  label: string;
  value: number;
  text: string; // of the first measure
  shown: string[]; // of each
  share: number; // of the first one's, in percent
  filter: Tree;
  isMe: boolean;
}

export function placesOf(
  entity: Entity,
  view: View,
  data: ReportData,
  locale: Locale,
  me: string,
): Place[] {
  const field = groupsOf(view)[0]?.field ?? "";
  const name = measureName(measuresOf(view)[0]);
  const groups = data.groups ?? [];
  const rows = rowsOf(entity, view, data, locale, "")
    .map((row, i) => ({ ...row, id: String(groups[i][field] ?? ""), raw: groups[i][name] }))
    .filter((row) => row.id)
    .sort((a, b) => b.value - a.value);
  const most = Math.max(0, ...rows.map((row) => row.value));
  return rows.map(({ id, label, value, shown, filter, raw }) => ({
    id,
    place: rows.findIndex((one) => one.value === value) + 1,
    label,
    value,
    text: money(raw) || shown[0],
    shown,
    share: most > 0 ? Math.max(0, (value / most) * 100) : 0,
    filter,
    isMe: id === me,
  }));
}

/** The first ones, and oneself behind them. */
export function topPlaces(places: Place[], count: number): Place[] {
  const mine = places.findIndex((one) => one.isMe);
  return mine < count ? places.slice(0, count) : [...places.slice(0, count), places[mine]];
}
