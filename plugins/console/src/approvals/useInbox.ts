// useInbox - approvals by what they ask of me: to decide, handed in, copied, decided.
// SPDX-License-Identifier: MIT
import { ref, shallowRef } from "vue";
import { post } from "@/api/http";
import type { Page, Rec } from "@/api/types";

export const BOXES = ["decide", "mine", "copies", "done"] as const;
export type Box = (typeof BOXES)[number];

interface Asked {
  entity: "approval" | "approval_task";
  filter: unknown;
  sort: string;
  expand: string;
}

const DECIDED = ["approved", "rejected", "returned", "delegated"];

export const ASKED: Record<Box, Asked> = {
  decide: {
    entity: "approval_task",
    filter: { owner: "$me", state: "open" },
    sort: "-opened_at",
    expand: "approval",
  },
  mine: {
    entity: "approval",
    filter: { submitter: "$me" },
    sort: "-submitted_at",
    expand: "submitter",
  },
  copies: {
    entity: "approval",
    filter: { cc: { has: "$me" } },
    sort: "-submitted_at",
    expand: "submitter",
  },
  done: {
    entity: "approval_task",
    filter: { owner: "$me", state: { in: DECIDED } },
    sort: "-decided_at",
    expand: "approval",
  },
};
const PAGE = 30;

export function useInbox() {
  const rows = shallowRef<Rec[]>([]);
  const next = ref<string | null>(null);
  const waiting = ref<number>(); // mine to decide
  const busy = ref(true);
  const failed = shallowRef<unknown>(null);
  let turn = 0;

  async function load(box: Box, more = false) {
    const own = ++turn;
    busy.value = true;
    failed.value = null;
    try {
      const { entity, ...asked } = ASKED[box];
      const cursor = more ? next.value : undefined;
      const body = { ...asked, limit: PAGE, cursor, count: !more };
      const page = await post<Page>(`/records/${entity}/query`, body, { reads: true });
      if (own !== turn) return;
      rows.value = more ? [...rows.value, ...page.items] : page.items;
      next.value = page.next;
      if (box === "decide" && page.count !== undefined) waiting.value = page.count;
    } catch (error) {
      if (own === turn) failed.value = error;
    } finally {
      if (own === turn) busy.value = false;
    }
  }

  return { rows, next, waiting, busy, failed, load };
}
