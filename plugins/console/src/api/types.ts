// types - what the server says, as far as the console reads it (console.md's vocabulary).
// SPDX-License-Identifier: MIT
import type { Tree } from "@/logic/filter";

export interface Option {
  value: string;
  label: string;
  tone?: string;
  parent?: string;
  active: boolean;
}

export interface Field {
  name: string;
  label: string;
  type: string;
  result?: string;
  help?: string;
  placeholder?: string;
  multiple?: boolean;
  options?: Option[];
  ref?: { entity: string; filter?: Tree };
  format?: { precision: number; currency?: string };
  flow?: Record<string, (string | { to: string; requires?: string[] })[]>;
  requires?: Record<string, string[]>;
  min?: number | string;
  max?: number | string;
  length?: number;
  operators: string[];
  required?: boolean;
  readonly?: boolean;
  unique?: boolean;
  search?: boolean;
  title?: boolean;
  system?: boolean;
  quick?: boolean;
  inline?: boolean;
  sortable?: boolean;
  masked?: boolean;
  default?: unknown;
  visible_when?: Tree;
  required_when?: Tree;
  readonly_when?: Tree;
  widget?: string;
  awaited?: boolean; // what can be chosen is on its way
}

export type Cell = string | { field?: string; widget?: string; span?: number; width?: number };

export interface Section {
  id: string;
  label?: string;
  cells?: Cell[];
  collapsed?: boolean;
  visible_when?: Tree;
}

export interface Param extends Partial<Field> {
  name: string;
  type: string;
  label: string;
  entity?: string;
  values?: (string | { value: string; label?: string })[];
}

export interface PageTab {
  id: string;
  label?: string;
  widget?: string; // timeline, history, related, or a widget's name
  relation?: string;
  columns?: Cell[];
  visible_when?: Tree;
  field?: string; // of the widget "field"
}

export interface Panel {
  id: string;
  relation: string;
  label?: string;
  columns?: Cell[];
  add?: boolean; // false: nobody adds to it by hand
  visible_when?: Tree;
}

export interface View {
  kind: string;
  name?: string;
  entity?: string;
  label?: string;
  icon?: string;
  columns?: (string | { field: string; width?: number; pin?: boolean; agg?: string })[];
  filter?: Tree;
  sort?: string;
  page_size?: number;
  quick_filters?: { id: string; label: string; filter: Tree }[];
  group_by?: string;
  fields?: string[]; // of a calendar: its dates; of a timeline: a date, or begin and end
  parent?: string; // of a tree: the reference to the record above
  card?: { title?: string; lines?: string[]; badge?: string; sum?: string; stale_when?: Tree };
  sections?: Section[];
  asks?: string; // of a form: who tells what is asked for besides
  header?: { facts?: string[] };
  path?: { field?: string };
  left?: { sections?: Section[] };
  main?: { tabs?: PageTab[] };
  panels?: Panel[];
  place?: string;
  enabled_when?: Tree;
  confirm?: string;
  params?: Param[];
  dialog?: string; // an action that is asked for in a dialog of its own: convert, merge
  composes?: boolean; // an action that says something: it is written on top of the timeline
  route?: string; // an action that a route of a plugin does
  values?: Record<string, unknown>; // an action that sets fields
  open?: { entity?: string; view?: string; mode?: string; filter?: Tree }; // or opens a list
  result?: string; // what an action answers: "show" it, "open" the record, download the "file"
  of?: string; // of an action's answer: the entity whose ids it gives
  widgets?: Widget[];
  query?: Record<string, unknown>;
  chart?: string;
  drill?: { view?: string };
  order?: number;
}

/** One tile of a dashboard: a report by name, or a query of its own. */
export interface Widget {
  id: string;
  kind: string; // kpi, bar, line, pie, funnel, table, list, leaderboard, goal
  label?: string;
  entity?: string;
  report?: string;
  view?: string; // of kind list: which list
  limit?: number;
  query?: Record<string, unknown>;
  span?: number;
  rows?: number; // its height
  date_field?: string;
  period?: string; // what date_field is narrowed to until somebody chooses another time
  target?: Target | null; // of a goal; null: a setting that nobody has set
}

/** A number, another measure of the query, or what other records say is to be reached. */
export type Target =
  | number
  | string
  | {
      entity: string;
      query: Record<string, unknown>;
      date_field?: string;
      owner_field?: string; // whose it is, for what is narrowed to one's own
    };

export interface Rights {
  read: boolean;
  create: boolean;
  update: boolean;
  delete: boolean;
  export: boolean;
  import: boolean;
}

export interface Entity {
  name: string;
  label: string;
  label_plural: string;
  icon?: string;
  title?: string;
  owner?: boolean;
  stage?: string;
  search?: boolean;
  rights: Rights;
  fields: Field[];
  operations: string[];
  relations: { relation: string; entity: string; field: string; label: string }[];
  views: View[];
}

export interface MenuItem {
  id: string;
  label: string;
  icon?: string;
  to?: string;
  entity?: string;
  items?: MenuItem[];
  right?: string; // it is set up, not worked with
  add?: boolean; // false: nobody makes one from anywhere
}

export interface Boot {
  user: { id: string; login: string; name: string; locale?: string; timezone?: string };
  tenant: { name: string; title: string; locale: string; timezone: string; currency: string };
  permissions: { entities: Record<string, string[]>; admin: string[] };
  menu: MenuItem[];
  meta: { version: string };
  plugins?: { id: string; version: string; title?: string; ui?: string; help?: boolean }[];
}

export interface Rec extends Record<string, unknown> {
  id: string;
  version: number;
}

export interface Page<T = Rec> {
  items: T[];
  next: string | null;
  count?: number;
  count_capped?: boolean;
}

export interface SavedView {
  id: string;
  version: number;
  entity: string;
  kind: string;
  name: string;
  scope: "mine" | "shared";
  is_mine: boolean;
  body: View;
}
