// useTree - a list as a tree: what stands at the top, and what stands below what is open.
// SPDX-License-Identifier: MIT
//
// One grouped question says below whom something stands, and how much. Whose parent the list does
// not find, because it is filtered away or may not be seen, stands at the top with its name.
import { computed, ref, shallowRef } from "vue";
import { ApiError, post } from "@/api/http";
import type { Entity, Page, Rec, View } from "@/api/types";
import { type Asked, queryOfList } from "@/grid/useList";
import { belowOf, type Branch, linesOf, topOf } from "@/logic/branches";
import type { Tree } from "@/logic/filter";
import { columnsOf } from "@/logic/liststate";
import { sayError } from "@/ui/toast";
import { useMode } from "./useMode";

const PAGE = 100;
const PARENTS_MAX = 1000; // groups in one answer
const ABSENT_MAX = 500; // values of one condition
const IDS = 200; // records of one answer
const PER_CALL = 20; // questions in one request
const OPENED = 20; // so many branches are open unless somebody says

interface Grown {
  branches: Map<string, Branch>;
  counts: Map<string, number>;
  open: string[];
  capped: boolean;
}

/** One answer of several: records, or what it was refused for. */
type Part = Page & { error?: { code: string; message: string } };

/** A branch that could not be read is no empty one. */
function branchOf(page: Part): Branch {
  const { error } = page;
  if (error) throw new ApiError(0, error.code, error.message);
  return { rows: page.items, next: page.next ?? null };
}

export interface TreeProps {
  entity: Entity;
  view: View;
  asked: Asked;
}

export function useTree(props: TreeProps) {
  const { name } = props.entity;
  const parent = computed(() => props.view.parent ?? "");
  const columns = computed(() => columnsOf(props.entity, props.view, undefined));
  const own = computed<Asked>(() => ({
    ...props.asked,
    columns: [...columns.value, { field: parent.value }],
  }));
  const base = computed(() => {
    const { filter, q, fields, expand } = queryOfList(own.value);
    const sort = props.asked.state.sort ?? props.view.sort ?? props.asked.view.sort;
    return { filter: filter as Tree | undefined, q, fields, expand, sort };
  });
  const open = ref(new Set<string>());
  const waits = ref(new Set<string>());
  const more = shallowRef(0); // how often something was added to what is there

  const query = (filter: Tree, cursor?: string | null) => ({
    ...base.value,
    filter,
    limit: PAGE,
    cursor: cursor ?? undefined,
  });

  async function parents(signal: AbortSignal) {
    const { filter, q } = base.value;
    const body = { filter, q, group: [parent.value], measure: ["count"] };
    const options = { signal, reads: true };
    const path = `/records/${name}/query`;
    const answer = await post<{ groups: Record<string, unknown>[] }>(path, body, options);
    const counts = new Map<string, number>();
    for (const group of answer.groups) {
      const id = group[parent.value];
      if (id) counts.set(String(id), Number(group.count));
    }
    const ids = [...counts.keys()];
    const found = new Set<string>();
    for (let i = 0; i < ids.length; i += IDS) {
      const some: Tree = { id: { in: ids.slice(i, i + IDS) } };
      const both: Tree = filter ? { and: [filter, some] } : some;
      const asked = { filter: both, q, fields: "id", limit: IDS };
      for (const row of (await post<Page>(path, asked, options)).items) found.add(row.id);
    }
    const capped = answer.groups.length >= PARENTS_MAX;
    return { counts, found, absent: ids.filter((id) => !found.has(id)), capped };
  }

  async function below(ids: string[], signal?: AbortSignal): Promise<[string, Branch][]> {
    const out: [string, Branch][] = [];
    for (let i = 0; i < ids.length; i += PER_CALL) {
      const part = ids.slice(i, i + PER_CALL);
      const queries = part.map((id) => ({
        entity: name,
        ...query(belowOf(base.value.filter, parent.value, id)),
      }));
      const options = { signal, reads: true };
      const answer = await post<{ results: Part[] }>("/queries", { queries }, options);
      answer.results.forEach((page, n) => out.push([part[n], branchOf(page)]));
    }
    return out;
  }

  async function grow(signal: AbortSignal): Promise<Grown> {
    const { counts, found, absent, capped } = await parents(signal);
    const said = props.asked.state.open?.filter((id) => found.has(id));
    const opened = said ?? (found.size <= OPENED ? [...found] : []);
    const top = topOf(base.value.filter, parent.value, absent.slice(0, ABSENT_MAX));
    const options = { signal, reads: true };
    const [page, rest] = await Promise.all([
      post<Page>(`/records/${name}/query`, query(top), options),
      below(opened, signal),
    ]);
    const branches = new Map<string, Branch>(rest);
    branches.set("", { rows: page.items, next: page.next });
    const isCapped = capped || absent.length > ABSENT_MAX;
    topFilter = top;
    open.value = new Set(opened);
    return { branches, counts, open: opened, capped: isCapped };
  }

  let topFilter: Tree = {};
  const { data, busy, failed, stale, load } = useMode<Grown>({
    entity: name,
    key: () => JSON.stringify([base.value, parent.value]),
    ask: grow,
    ids: ({ branches, counts }) =>
      linesOf(branches, counts, open.value).flatMap(({ row }) => row?.id ?? []),
  });
  const lines = computed(() => {
    void more.value;
    return data.value ? linesOf(data.value.branches, data.value.counts, open.value) : [];
  });

  /** Says what is open now, for the address; nothing when it could not be read. */
  async function toggle(row: Rec): Promise<string[] | undefined> {
    const closes = open.value.has(row.id);
    if (!closes && !(await read(row.id))) return undefined;
    const next = new Set(open.value); // others may have been opened meanwhile
    if (closes) next.delete(row.id);
    else next.add(row.id);
    open.value = next;
    return [...next];
  }

  async function read(id: string): Promise<boolean> {
    const own = data.value; // after a reload its answer is nobody's
    if (own?.branches.has(id)) return true;
    waits.value = new Set([...waits.value, id]);
    try {
      for (const [at, branch] of await below([id])) own?.branches.set(at, branch);
      return true;
    } catch (error) {
      sayError(error);
      return false;
    } finally {
      waits.value = new Set([...waits.value].filter((one) => one !== id));
    }
  }

  /** The next records of a branch. */
  async function goOn(id: string) {
    const own = data.value;
    const branch = own?.branches.get(id);
    if (!own || !branch?.next) return;
    const filter = id ? belowOf(base.value.filter, parent.value, id) : topFilter;
    try {
      const asked = query(filter, branch.next);
      const page = await post<Page>(`/records/${name}/query`, asked, { reads: true });
      own.branches.set(id, { rows: [...branch.rows, ...page.items], next: page.next });
      more.value++;
    } catch (error) {
      sayError(error);
    }
  }

  return { lines, columns, data, busy, failed, stale, waits, load, toggle, goOn };
}
