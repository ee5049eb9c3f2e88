// useList - the records of a list, page by page, and what to do with all of them.
// SPDX-License-Identifier: MIT
import { computed, type Ref, ref, shallowRef } from "vue";
import { post } from "@/api/http";
import type { Entity, Page, Rec, View } from "@/api/types";
import type { Tree } from "@/logic/filter";
import { isReference } from "@/logic/format";
import { type Column, filterOf, type ListState } from "@/logic/liststate";

export interface Asked {
  entity: Entity;
  view: View;
  state: ListState;
  columns: Column[];
}

const PAGE = 50;
const BULK = 500;

/** The query of a list: its filter, order and the fields that are shown. */
export function queryOfList(asked: Asked) {
  const { entity, view, state, columns } = asked;
  const byName = new Map(entity.fields.map((field) => [field.name, field]));
  const names = columns.map((column) => column.field.split(".")[0]);
  const needed = [...names, entity.title ?? "id", entity.stage ?? "", entity.owner ? "owner" : ""];
  const expand = [...new Set(names)].filter((name) => {
    const field = byName.get(name);
    return field && isReference(field);
  });
  const fields = [...new Set(needed)].filter((name) => byName.has(name));
  return {
    filter: filterOf(view, state) as Tree | undefined,
    sort: state.sort ?? view.sort,
    q: state.q || undefined,
    fields: ["id", "version", ...fields].join(","),
    expand: expand.join(",") || undefined,
    limit: view.page_size ?? PAGE,
  };
}

export function useList(asked: Ref<Asked | null>) {
  const rows = shallowRef<Rec[]>([]);
  const next = ref<string | null>(null);
  const count = ref<{ count: number; capped: boolean } | null>(null);
  const before = ref<(string | null)[]>([]); // the marks of the pages passed
  const here = ref<string | null>(null);
  const busy = ref(false);
  const error = ref<unknown>(null);
  let running: AbortController | null = null;

  async function ask(cursor: string | null, more = false) {
    if (!asked.value) return;
    running?.abort();
    const own = new AbortController();
    running = own;
    busy.value = true;
    try {
      const name = asked.value.entity.name;
      const query = { ...queryOfList(asked.value), cursor: cursor ?? undefined, count: !cursor };
      const page = await post<Page>(`/records/${name}/query`, query, {
        signal: own.signal,
        reads: true,
      });
      rows.value = more ? [...rows.value, ...page.items] : page.items;
      next.value = page.next;
      if (page.count !== undefined)
        count.value = { count: page.count, capped: !!page.count_capped };
      here.value = cursor;
      error.value = null;
    } catch (cause) {
      if (!own.signal.aborted) error.value = cause;
    } finally {
      if (running === own) busy.value = false;
    }
  }

  function first() {
    before.value = [];
    return ask(null);
  }

  function forward() {
    if (!next.value) return;
    before.value = [...before.value, here.value];
    return ask(next.value);
  }

  function backward() {
    const to = before.value.at(-1);
    if (to === undefined) return;
    before.value = before.value.slice(0, -1);
    return ask(to);
  }

  const refresh = () => ask(here.value);
  const more = () => (next.value ? ask(next.value, true) : undefined);
  const start = computed(
    () => before.value.length * (asked.value?.view.page_size ?? PAGE) + (rows.value.length ? 1 : 0),
  );

  /** One change of a record in the page, without asking again. */
  function replace(record: Rec) {
    rows.value = rows.value.map((row) => (row.id === record.id ? { ...row, ...record } : row));
  }

  return {
    rows,
    next,
    before,
    count,
    busy,
    error,
    first,
    forward,
    backward,
    refresh,
    more,
    start,
    replace,
  };
}

interface BulkResult {
  done: number;
  failed: number;
  results: { ok: boolean; id?: string; error?: { message: string } }[];
}

/** The same to many records, in calls of a few hundred; tells how far it is. */
export async function bulk(
  entity: string,
  ids: string[],
  make: (id: string) => Record<string, unknown>,
  progress: (done: number) => void,
): Promise<{ done: number; failed: number; why: string[] }> {
  const out = { done: 0, failed: 0, why: [] as string[] };
  for (let at = 0; at < ids.length; at += BULK) {
    const items = ids.slice(at, at + BULK).map(make);
    const answer = await post<BulkResult>(`/records/${entity}/bulk`, { atomic: false, items });
    out.done += answer.done;
    out.failed += answer.failed;
    for (const result of answer.results) {
      if (!result.ok && result.error && !out.why.includes(result.error.message)) {
        out.why.push(result.error.message);
      }
    }
    progress(Math.min(at + BULK, ids.length));
  }
  return out;
}

/** The ids of everything the list finds. */
export async function allIds(asked: Asked, progress: (count: number) => void): Promise<string[]> {
  const { filter, sort, q } = queryOfList(asked);
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await post<Page>(
      `/records/${asked.entity.name}/query`,
      { filter, sort, q, fields: "id", limit: 200, cursor },
      { reads: true },
    );
    ids.push(...page.items.map((row) => row.id));
    cursor = page.next ?? undefined;
    progress(ids.length);
  } while (cursor);
  return ids;
}
