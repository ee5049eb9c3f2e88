// useTree - a list as a tree: what stands at the top, and what stands below what is open.
// SPDX-License-Identifier: MIT
//
// One grouped question says below whom something stands, and how much. Whose parent the list does
// not find, because it is filtered away or may not be seen, stands at the top with its name.
import { computed, ref, shallowRef } from "vue";
import { ApiError, http, post } from "@/api/http";
import type { Entity, Page, Rec, View } from "@/api/types";
import { type Asked, queryOfList } from "@/grid/useList";
import * as tree from "@/logic/branches";
import type { Branch } from "@/logic/branches";
import type { Tree } from "@/logic/filter";
import { isChoice, titleOf } from "@/logic/format";
import { columnsOf } from "@/logic/liststate";
import { loadEntity } from "@/stores/meta";
import { sayError } from "@/ui/toast";
import { useMode } from "./useMode";

const PAGE = 100;
const PARENTS_MAX = 1000; // groups in one answer
const ABSENT_MAX = 500; // values of one condition
const IDS = 200; // records of one answer
const PER_CALL = 20; // questions in one request
const LEVELS = 16; // of another entity, one question each
const OPENED = 20; // so many branches are open unless somebody says

interface Grown {
  branches: Map<string, Branch>;
  counts: Map<string, number>;
  open: string[];
  capped: boolean;
  top: Tree; // of what stands at the top, or under the heading of those below nothing
  uppers?: Map<string, Rec[]>; // of another entity, by what they stand below
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
  const parentField = computed(() =>
    props.entity.fields.find((one) => one.name === parent.value),
  );
  /** Of which other entity the upper levels are; "": of none. */
  const other = computed(() => {
    const of = parentField.value?.ref?.entity;
    return of && of !== name ? of : "";
  });
  /** Or the values of a dictionary or a state are, in their order. */
  const values = computed(() => {
    const field = parentField.value;
    return field && isChoice(field) ? tree.valuesAsRows(field.options ?? []) : undefined;
  });
  const open = ref(new Set<string>());
  const linesOf = ({ branches, counts, uppers }: Grown) =>
    tree.linesOf(branches, counts, open.value, uppers);
  const waits = ref(new Set<string>());
  const more = shallowRef(0); // how often something was added to what is there

  const query = (filter: Tree, cursor?: string | null) => ({
    ...base.value,
    filter,
    limit: PAGE,
    cursor: cursor ?? undefined,
  });
  const filterOf = (id: string, top: Tree) =>
    id && id !== tree.NONE ? tree.belowOf(base.value.filter, parent.value, id) : top;

  async function groups(signal: AbortSignal) {
    const { filter, q } = base.value;
    const body = { filter, q, group: [parent.value], measure: ["count"] };
    const path = `/records/${name}/query`;
    const answer = await post<{ groups: Record<string, unknown>[] }>(path, body, {
      signal,
      reads: true,
    });
    const counts = new Map<string, number>();
    for (const group of answer.groups) {
      counts.set(String(group[parent.value] ?? ""), Number(group.count));
    }
    const none = counts.get("") ?? 0;
    counts.delete("");
    return { counts, none, capped: answer.groups.length >= PARENTS_MAX };
  }

  /** Those of the ids that can be read. */
  async function some(
    of: string,
    ids: string[],
    fields: string,
    { filter, ...rest }: { filter?: Tree; q?: string },
    signal: AbortSignal,
  ) {
    const rows: Rec[] = [];
    for (let i = 0; i < ids.length; i += IDS) {
      const part: Tree = { id: { in: ids.slice(i, i + IDS) } };
      const both: Tree = filter ? { and: [filter, part] } : part;
      const body = { ...rest, filter: both, fields, limit: IDS };
      const page = await post<Page>(`/records/${of}/query`, body, { signal, reads: true });
      rows.push(...page.items);
    }
    return rows;
  }

  async function below(ids: string[], top: Tree, signal?: AbortSignal) {
    const out: [string, Branch][] = [];
    for (let i = 0; i < ids.length; i += PER_CALL) {
      const part = ids.slice(i, i + PER_CALL);
      const queries = part.map((id) => ({ entity: name, ...query(filterOf(id, top)) }));
      const options = { signal, reads: true };
      const answer = await post<{ results: Part[] }>("/queries", { queries }, options);
      answer.results.forEach((page, n) => out.push([part[n], branchOf(page)]));
    }
    return out;
  }

  const openedOf = (found: Set<string>) =>
    props.asked.state.open?.filter((id) => found.has(id)) ??
    (found.size <= OPENED ? [...found] : []);

  async function grow(signal: AbortSignal): Promise<Grown> {
    const { counts, none, capped } = await groups(signal);
    const ids = [...counts.keys()];
    const isOwn = !other.value && !values.value;
    const { filter, q } = base.value;
    const uppers = isOwn
      ? []
      : values.value
        ? tree.withAbove(values.value, ids)
        : await uppersAbove(other.value, ids, signal);
    const rows = isOwn ? await some(name, ids, "id", { filter, q }, signal) : uppers;
    const found = new Set(rows.map((row) => row.id));
    const absent = ids.filter((id) => !found.has(id));
    const top = tree.topOf(filter, parent.value, absent.slice(0, ABSENT_MAX));
    const isCapped = capped || absent.length > ABSENT_MAX;
    if (!isOwn) {
      const lost = absent.reduce((sum, id) => sum + (counts.get(id) ?? 0), none);
      return headed(uppers, counts, { top, capped: isCapped, lost }, signal);
    }
    const opened = openedOf(found);
    const options = { signal, reads: true };
    const [page, rest] = await Promise.all([
      post<Page>(`/records/${name}/query`, query(top), options),
      below(opened, top, signal),
    ]);
    const branches = new Map<string, Branch>(rest);
    branches.set("", { rows: page.items, next: page.next });
    open.value = new Set(opened);
    return { branches, counts, open: opened, capped: isCapped, top };
  }

  /** The records that are referred to, and those above them. */
  async function uppersAbove(of: string, ids: string[], signal: AbortSignal): Promise<Rec[]> {
    let upper: Entity;
    try {
      upper = await loadEntity(of);
    } catch (error) {
      if (error instanceof ApiError && [403, 404].includes(error.status)) return []; // not theirs
      throw error;
    }
    const above = tree.aboveOf(upper);
    const fields = ["id", upper.title ?? "name", above].filter(Boolean).join(",");
    const asked = new Set(ids);
    const rows: Rec[] = [];
    for (let n = 0; ids.length && n < LEVELS && asked.size <= PARENTS_MAX * 2; n++) {
      const part = await some(of, ids, fields, {}, signal);
      rows.push(...part);
      ids = above ? tree.missingOf(part, above, asked) : [];
      for (const id of ids) asked.add(id);
    }
    const title = (row: Rec) => titleOf(row[upper.title ?? "name"]);
    return rows.sort((a, b) => title(a).localeCompare(title(b), http.lang));
  }

  async function headed(
    rows: Rec[],
    direct: Map<string, number>,
    rest: { top: Tree; capped: boolean; lost: number },
    signal: AbortSignal,
  ): Promise<Grown> {
    const { top, capped, lost } = rest;
    const upper = other.value
      ? await loadEntity(other.value).catch(() => undefined) // was read a moment ago
      : undefined;
    const above = values.value ? tree.ABOVE : upper ? tree.aboveOf(upper) : "";
    const { below: uppers, counts } = tree.uppersOf(rows, above, direct);
    if (lost) {
      const heading = { id: tree.NONE, version: 0 } as Rec;
      uppers.set("", [...(uppers.get("") ?? []), heading]);
      counts.set(tree.NONE, lost);
    }
    const opened = openedOf(new Set(counts.keys()));
    const asked = opened.filter((id) => id === tree.NONE || direct.has(id));
    const branches = new Map<string, Branch>(await below(asked, top, signal));
    for (const row of rows) {
      if (!direct.has(row.id)) branches.set(row.id, { rows: [], next: null }); // only levels
    }
    open.value = new Set(opened);
    return { branches, counts, open: opened, capped, top, uppers };
  }

  const { data, busy, failed, stale, load } = useMode<Grown>({
    entity: name,
    key: () => JSON.stringify([base.value, parent.value]),
    ask: grow,
    ids: (now) => linesOf(now).flatMap(({ row, upper }) => (row && !upper ? row.id : [])),
  });
  const lines = computed(() => {
    void more.value;
    return data.value ? linesOf(data.value) : [];
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
      for (const [at, branch] of await below([id], own?.top ?? {})) own?.branches.set(at, branch);
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
    try {
      const asked = query(filterOf(id, own.top), branch.next);
      const page = await post<Page>(`/records/${name}/query`, asked, { reads: true });
      own.branches.set(id, { rows: [...branch.rows, ...page.items], next: page.next });
      more.value++;
    } catch (error) {
      sayError(error);
    }
  }

  return { lines, columns, other, values, data, busy, failed, stale, waits, load, toggle, goOn };
}
