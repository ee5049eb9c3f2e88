// steps - the states of a path that are records themselves, such as the stages of a pipeline; and
// the order in which states stand.
// SPDX-License-Identifier: MIT
import { post } from "@/api/http";
import type { Entity, Field, Page, Rec } from "@/api/types";
import { idOf, type Tree } from "@/logic/filter";
import { titleOf } from "@/logic/format";
import { loadEntity } from "@/stores/meta";

export interface Step {
  value: string;
  label: string;
  tone?: string;
  parent?: string; // what it belongs to, such as the pipeline
}

const MOST = 30;
const RANKS = 200;

/** What a state that is a record shares with the record in it: both point at one pipeline. */
const sharedBy = (step: Entity, entity: Entity): Field[] =>
  step.fields.filter((one) => {
    const same = entity.fields.find(({ name }) => name === one.name);
    return !one.system && one.ref && same?.ref?.entity === one.ref.entity;
  });

/** All states a board can have a column for, those of one pipeline beside one another. */
export async function lanesOf(entity: Entity, field: Field): Promise<Step[]> {
  try {
    const step = await loadEntity(field.ref!.entity);
    const find = (name: string) => step.fields.find((one) => one.name === name);
    const [parent] = sharedBy(step, entity);
    const title = step.title ?? "name";
    const kind = find("kind")?.options;
    const names = ["id", title, kind && "kind", find("active") && "active", parent?.name];
    const asked = {
      sort: find("order") ? "order" : title,
      fields: names.filter(Boolean).join(","),
      limit: RANKS,
    };
    const page = await post<Page>(`/records/${step.name}/query`, asked, { reads: true });
    const all = page.items
      .filter((row) => row.active !== false)
      .map((row) => ({
        value: row.id,
        label: titleOf(row[title]) || row.id,
        tone: kind?.find((one) => one.value === row.kind)?.tone,
        parent: parent ? String(idOf(row[parent.name]) ?? "") : "",
      }));
    const parents = [...new Set(all.map((one) => one.parent))];
    return parents.flatMap((one) => all.filter((lane) => lane.parent === one));
  } catch {
    return []; // the columns stand as they come
  }
}

/** Those that share what both point at (the pipeline), in their order; none where hidden. */
export async function stepsOf(entity: Entity, field: Field, record: Rec): Promise<Step[]> {
  try {
    const step = await loadEntity(field.ref!.entity);
    const has = (name: string) => step.fields.some((one) => one.name === name);
    const shared = sharedBy(step, entity);
    const filter: Tree[] = shared
      .filter(({ name }) => record[name])
      .map(({ name }) => ({ [name]: idOf(record[name]) }));
    const now = idOf(record[field.name]);
    if (has("active")) filter.push({ or: [{ active: true }, { id: now }] });
    const title = step.title ?? "name";
    const asked = {
      filter: filter.length ? { and: filter } : undefined,
      sort: has("order") ? "order" : undefined,
      fields: `id,${title}`,
      limit: MOST,
    };
    const page = await post<Page>(`/records/${step.name}/query`, asked, { reads: true });
    return page.items.map((row) => ({ value: row.id, label: titleOf(row[title]) || row.id }));
  } catch {
    return []; // the page is worked in without its path
  }
}

/** The places of all states a field can be in: options, or records that have an order. */
export async function ranksOf(field: Field | undefined): Promise<Map<string, number>> {
  const ranked = (all: string[]) => new Map(all.map((value, at) => [value, at]));
  if (field?.options) return ranked(field.options.map((one) => one.value));
  if (!field?.ref) return new Map();
  try {
    const step = await loadEntity(field.ref.entity);
    if (!step.fields.some((one) => one.name === "order")) return new Map();
    const asked = { sort: "order", fields: "id", limit: RANKS };
    const page = await post<Page>(`/records/${step.name}/query`, asked, { reads: true });
    return ranked(page.items.map((row) => row.id));
  } catch {
    return new Map(); // they stand as they come
  }
}
