// people - titles of records that are known only by their ids, asked for together and once.
// SPDX-License-Identifier: MIT
import { reactive } from "vue";
import { get, query } from "@/api/http";
import type { Page } from "@/api/types";
import { loadEntity } from "@/stores/meta";

const titles = reactive(new Map<string, string>());
const asked = new Set<string>();
const waiting = new Map<string, string[]>(); // ids by entity, until the end of this turn
const MOST = 200;

async function ask(name: string, ids: string[]): Promise<void> {
  try {
    const entity = await loadEntity(name);
    const title = entity.title ?? "name";
    const filter = JSON.stringify({ id: { in: ids.slice(0, MOST) } });
    const fields = `id,${title}`;
    const path = `/records/${name}${query({ filter, limit: MOST, fields })}`;
    for (const row of (await get<Page>(path)).items) titles.set(row.id, String(row[title] ?? ""));
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
