// people - what records are called; of those known only by their ids, asked for together and once.
// SPDX-License-Identifier: MIT
import { reactive } from "vue";
import { get, query } from "@/api/http";
import type { Entity, Page } from "@/api/types";
import { optionOf, titleOf } from "@/logic/format";
import { loadEntity } from "@/stores/meta";
import { named, readsOf } from "@/stores/named";

const titles = reactive(new Map<string, string>());
const asked = new Set<string>();
const waiting = new Map<string, string[]>(); // ids by entity, until the end of this turn
const MOST = 200;

/** What a record is called: a title that is a value to be chosen, by its label. */
export function rowTitle(entity?: Entity, of?: Record<string, unknown> | null): string {
  const row = of ?? {};
  const name = entity?.title ?? "name";
  const field = entity?.fields.find((one) => one.name === name);
  const option = field && optionOf(named(field, row), row[name]);
  return option?.label ?? titleOf(row[name]);
}

async function ask(name: string, ids: string[]): Promise<void> {
  try {
    const entity = await loadEntity(name);
    const title = entity.title ?? "name";
    const filter = JSON.stringify({ id: { in: ids.slice(0, MOST) } });
    const field = entity.fields.find((one) => one.name === title);
    const fields = ["id", title, ...readsOf(field)].join(",");
    const path = `/records/${name}${query({ filter, limit: MOST, fields })}`;
    for (const row of (await get<Page>(path)).items) titles.set(row.id, rowTitle(entity, row));
  } catch {
    // what may not be read has no title here
  }
}

function flush(): void {
  for (const [entity, ids] of waiting) void ask(entity, ids);
  waiting.clear();
}

/** The title of a record, "" until it is known. */
export function titleFor(entity: string, id: string): string {
  const title = titles.get(id);
  if (title !== undefined || asked.has(id)) return title ?? "";
  asked.add(id);
  if (!waiting.size) queueMicrotask(flush);
  waiting.set(entity, [...(waiting.get(entity) ?? []), id]);
  return "";
}

export const userName = (id: string | null) => (id ? titleFor("user", id) : "");
