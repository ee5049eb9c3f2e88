// notices - reading what a person was told, and where it leads.
// SPDX-License-Identifier: MIT
import { post } from "@/api/http";
import type { Page, Rec } from "@/api/types";
import { bulk } from "@/grid/bulk";
import { update } from "@/record/actions";

export const UNREAD = { read_at: null };
const MOST = 200;

/** An address of ours, or nothing: a notice leads nowhere else. */
export function addressOf(row: Rec): string {
  const link = String(row.link ?? "");
  if (/^\/(?!\/)/.test(link)) return link;
  const about = row.about as { entity?: string; id?: string } | null;
  if (!about?.entity || !about.id) return "";
  if (about.entity === "approval") return `/approvals/${about.id}`;
  return `/e/${about.entity}/${about.id}`;
}

export const markRead = (row: Rec) =>
  update("notification", row, { read_at: new Date().toISOString() });

export async function markAll(): Promise<void> {
  const at = new Date().toISOString();
  for (;;) {
    const body = { filter: UNREAD, fields: "id", limit: MOST };
    const page = await post<Page>("/records/notification/query", body, { reads: true });
    if (!page.items.length) return;
    const ids = page.items.map((row) => row.id);
    const done = await bulk(
      { name: "notification", fields: [] },
      ids,
      (id) => ({ op: "update", id, data: { read_at: at } }),
      () => undefined,
    );
    if (done.failed || page.items.length < MOST) return;
  }
}
