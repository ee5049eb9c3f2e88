// useList - the records of a list as far as they have been scrolled to, from its begin or its end.
// SPDX-License-Identifier: MIT
//
// Pages are read one at a time, as they come into sight; those far away are forgotten and read
// again by their mark. So a list of any length costs what is looked at.
import { computed, type Ref, ref, shallowRef } from "vue";
import { post } from "@/api/http";
import type { Entity, Page, Rec, View } from "@/api/types";
import { fieldsIn, type Tree } from "@/logic/filter";
import { isReference } from "@/logic/format";
import { type Column, filterOf, type ListState } from "@/logic/liststate";
import { actionsAt } from "@/record/actions";
import { readsOf } from "@/stores/named";
import {
  AHEAD_ROWS,
  flippedSort,
  missingPage,
  type PageMark,
  startOf,
  surplusPages,
} from "@/logic/pages";

export interface Asked {
  entity: Entity;
  view: View;
  state: ListState;
  columns: Column[];
}

const PAGE = 50;

/** The query of a list: its filter, order and the fields that are shown. */
export function queryOfList(asked: Asked) {
  const { entity, view, state, columns } = asked;
  const byName = new Map(entity.fields.map((field) => [field.name, field]));
  const names = columns.map((column) => column.field.split(".")[0]);
  const read = [...names, entity.title ?? "id"];
  const beside = read.flatMap((name) => readsOf(byName.get(name)));
  // Whether an action of a row may be done is judged here, and what it sets can be taken back.
  const acted = actionsAt(entity, "row").flatMap((one) => [
    ...fieldsIn(one.enabled_when).map((path) => path.split(".")[0]),
    ...Object.keys(one.values ?? {}),
  ]);
  const own = [entity.stage ?? "", entity.owner ? "owner" : ""];
  const needed = [...read, ...beside, ...own, ...acted];
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

/** A place of the list whose record has been forgotten, or is being read. */
export type Row = Rec | null;

export interface Count {
  count: number;
  capped: boolean;
}

/** What a list knew, so that coming back to it finds it as it was. */
export interface Snapshot {
  pages: PageMark[];
  read: Row[];
  next: string | null;
  count: Count | null;
  fromEnd: boolean;
}

export function useList(asked: Ref<Asked | null>) {
  const read = shallowRef<Row[]>([]); // in the order of reading, which is turned from the end
  const fromEnd = ref(false);
  const next = ref<string | null>(null);
  const count = ref<Count | null>(null);
  const busy = ref(false);
  const error = ref<unknown>(null); // nothing could be shown
  const stuck = ref<unknown>(null); // what is shown could not be gone on with
  const turn = ref(0); // how often it has been read anew
  const rows = computed(() => (fromEnd.value ? [...read.value].reverse() : read.value));
  let pages: PageMark[] = [];
  let seen: [number, number] = [0, 0];
  let running: AbortController | null = null;
  let pulling = false;

  async function ask(cursor: string | null, own: AbortController, counts: boolean) {
    const { name } = asked.value!.entity;
    const query = queryOfList(asked.value!);
    const sort = fromEnd.value ? flippedSort(query.sort) : query.sort;
    const body = { ...query, sort, cursor: cursor ?? undefined, count: counts };
    const options = { signal: own.signal, reads: true };
    return post<Page>(`/records/${name}/query`, body, options);
  }

  /** Everything anew, from the begin or the end; what is shown stays until it is there. */
  async function start(end: boolean) {
    if (!asked.value) return;
    running?.abort();
    const own = new AbortController();
    running = own;
    busy.value = true;
    const was = fromEnd.value;
    try {
      fromEnd.value = end;
      const page = await ask(null, own, !end || !count.value);
      read.value = page.items;
      pages = [{ cursor: null, size: page.items.length, held: true }];
      next.value = page.next;
      if (page.count !== undefined)
        count.value = { count: page.count, capped: Boolean(page.count_capped) };
      seen = [0, 0];
      error.value = stuck.value = null;
      turn.value++;
    } catch (cause) {
      if (own.signal.aborted) return;
      fromEnd.value = was;
      error.value = cause;
    } finally {
      if (running === own) busy.value = false;
    }
  }

  /** Reads one page that has been forgotten, or the next one, and forgets what is far away. */
  async function pull(at: number, own: AbortController) {
    const page = await ask(at < pages.length ? pages[at].cursor : next.value, own, false);
    const fresh = [...read.value];
    fresh.splice(startOf(pages, at), pages[at]?.size ?? 0, ...page.items);
    const mark = { cursor: pages[at]?.cursor ?? next.value, size: page.items.length, held: true };
    if (at >= pages.length) next.value = page.next;
    pages = [...pages];
    pages[at] = mark;
    for (const far of surplusPages(pages, ...seen)) {
      const from = startOf(pages, far);
      fresh.fill(null, from, from + pages[far].size);
      pages[far] = { ...pages[far], held: false };
    }
    read.value = fresh;
  }

  async function pump() {
    if (pulling || !running || stuck.value) return;
    const own = running;
    pulling = true;
    try {
      for (;;) {
        const hole = missingPage(pages, ...seen);
        const isNear = next.value && seen[1] + AHEAD_ROWS >= read.value.length;
        if (own.signal.aborted || (hole < 0 && !isNear)) break;
        await pull(hole < 0 ? pages.length : hole, own);
      }
    } catch (cause) {
      if (!own.signal.aborted) stuck.value = cause;
    } finally {
      pulling = false;
    }
    if (own.signal.aborted) void pump();
  }

  /** Says which rows are in sight, so that they are there. */
  function see(from: number, to: number) {
    const size = read.value.length;
    seen = fromEnd.value ? [size - to, size - from] : [from, to];
    if (!busy.value) void pump();
  }

  /** Once more what failed. */
  function again() {
    stuck.value = null;
    return read.value.length ? pump() : start(fromEnd.value);
  }

  /** What is in sight anew, where it is: records may be others now. */
  async function refresh() {
    const isEmpty = !read.value.length;
    if (isEmpty || seen[0] < (pages[0]?.size ?? 0)) return start(fromEnd.value);
    pages = pages.map((page) => ({ ...page, held: false }));
    stuck.value = null;
    await pump();
  }

  /** One change of a record in the list, without asking again. */
  function replace(record: Rec) {
    read.value = read.value.map((row) => (row?.id === record.id ? { ...row, ...record } : row));
  }

  const snapshot = (): Snapshot => ({
    pages,
    read: read.value,
    next: next.value,
    count: count.value,
    fromEnd: fromEnd.value,
  });

  function restore(was: Snapshot) {
    running = new AbortController();
    pages = was.pages;
    read.value = was.read;
    next.value = was.next;
    count.value = was.count;
    fromEnd.value = was.fromEnd;
  }

  const first = () => start(false);
  const last = () => start(true);
  return {
    rows,
    next,
    count,
    fromEnd,
    busy,
    error,
    stuck,
    turn,
    first,
    last,
    see,
    again,
    refresh,
    replace,
    snapshot,
    restore,
  };
}

export type List = ReturnType<typeof useList>;
