// cases - an approval as people see it: what was handed in, the way through, who said what.
// SPDX-License-Identifier: MIT
import { get, post, query } from "@/api/http";
import type { Entity, Page, Rec } from "@/api/types";
import { optionOf, titleOf } from "@/logic/format";
import { loadEntity } from "@/stores/meta";

export interface Decision {
  id: string;
  node: string;
  at: number;
  round: number;
  kind: string;
  state: string;
  comment?: string;
  who?: string;
  owner: string;
  decided_at?: string;
}

export interface Step {
  name: string;
  mode: string;
  state: "done" | "now" | "stopped" | "ahead";
  decisions: Decision[];
}

export interface Case {
  approval: Rec;
  title: string;
  state: string; // in words
  tone: string;
  steps: Step[];
  decisions: Decision[];
  changes: Record<string, { from?: unknown; to?: unknown }>;
  since: Record<string, { from?: unknown; to?: unknown }>;
  snapshot: Record<string, unknown>;
}

interface Compared {
  snapshot?: Record<string, unknown> | null;
  changes?: Case["changes"] | null;
  since?: Case["since"] | null;
  decisions?: Decision[] | null;
}

const list = <T>(value: T[] | null | undefined | object): T[] =>
  Array.isArray(value) ? (value as T[]) : [];

/** The nodes of the way through, each with what was said there in the last round it was open. */
export function stepsOf(approval: Rec, decisions: Decision[]): Step[] {
  const path = list<{ name?: string; id?: string; mode?: string }>(approval.path as object);
  const at = Number(approval.at ?? 0);
  const state = String(approval.state);
  return path.map((node, i) => {
    const own = decisions.filter((one) => one.at === i + 1 && one.state !== "canceled");
    const last = Math.max(0, ...own.map((one) => one.round));
    const said = own.filter((one) => one.round === last);
    const stopped = state !== "running" && state !== "approved" && i + 1 === at;
    const isDone = i + 1 < at || state === "approved" || state === "revoked";
    const step = stopped ? "stopped" : isDone ? "done" : i + 1 === at ? "now" : "ahead";
    const name = node.name ?? node.id ?? "";
    return { name, mode: node.mode ?? "all", state: step, decisions: said };
  });
}

function caseOf(meta: Entity, approval: Rec, compared: Compared): Case {
  const field = meta.fields.find((one) => one.name === "state")!;
  const option = optionOf(field, approval.state);
  const decisions = list<Decision>(compared.decisions);
  return {
    approval,
    title: titleOf(approval.title) || String(approval.number ?? approval.id),
    state: option?.label ?? String(approval.state),
    tone: option?.tone ?? "",
    steps: stepsOf(approval, decisions),
    decisions,
    changes: compared.changes ?? {},
    since: compared.since ?? {},
    snapshot: compared.snapshot ?? {},
  };
}

const compare = (id: string) => post<Compared>(`/records/approval/${id}/actions/compare`, {});

export async function caseFor(id: string): Promise<Case> {
  const meta = await loadEntity("approval");
  const path = `/records/approval/${encodeURIComponent(id)}${query({ expand: "submitter" })}`;
  const [approval, compared] = await Promise.all([get<Rec>(path), compare(id)]);
  return caseOf(meta, approval, compared);
}

const SHOWN = 3;

/** The last ones about a record, newest first. */
export async function casesAbout(about: string): Promise<Case[]> {
  const body = { filter: { about }, sort: "-created_at", limit: SHOWN };
  const page = await post<Page>("/records/approval/query", body, { reads: true });
  if (!page.items.length) return [];
  const meta = await loadEntity("approval");
  return Promise.all(page.items.map(async (one) => caseOf(meta, one, await compare(one.id))));
}
