// people - names of users by their ids, asked for once.
// SPDX-License-Identifier: MIT
import { reactive } from "vue";
import { get, query } from "@/api/http";
import type { Page } from "@/api/types";

const names = reactive(new Map<string, string>());
const asked = new Set<string>();

export const userName = (id: string | null) => (id ? (names.get(id) ?? "") : "");

export async function nameUsers(ids: (string | null)[]): Promise<void> {
  const fresh = [...new Set(ids)].filter((id): id is string => Boolean(id) && !asked.has(id!));
  if (!fresh.length) return;
  for (const id of fresh) asked.add(id);
  try {
    const filter = JSON.stringify({ id: { in: fresh.slice(0, 200) } });
    const page = await get<Page>(
      `/records/user${query({ filter, limit: 200, fields: "id,name" })}`,
    );
    for (const user of page.items) names.set(user.id, String(user.name));
  } catch {
    // who may not read users sees none
  }
}
