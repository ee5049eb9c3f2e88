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
}

const MOST = 30;
const RANKS = 200;

/** Those that share what both point at (the pipeline), in their order; none where hidden. */
export async function stepsOf(entity: Entity, field: Field, record: Rec): Promise<Step[]> {
  try {
    const step = await loadEntity(field.ref!.entity);
    const has = (name: string) => step.fields.some((one) => one.name === name);
    const shared = step.fields.filter((one) => {
      const same = entity.fields.find(({ name }) => name === one.name);
      return !one.system && one.ref && same?.ref?.entity === one.ref.entity;
    });
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
