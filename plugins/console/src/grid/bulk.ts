// bulk - the same to many records, and the ids of all that a list finds.
// SPDX-License-Identifier: MIT
import { post } from "@/api/http";
import type { Page } from "@/api/types";
import { type Asked, queryOfList } from "./useList";

const BULK = 500;

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
