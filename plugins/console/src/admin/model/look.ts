// look - an entity without customization and as the draft has it, as the editors begin from it.
// SPDX-License-Identifier: MIT
import { ApiError, get } from "@/api/http";
import type { Entity } from "@/api/types";
import { qualified, type FieldDoc, type Json } from "@/logic/custom";

export interface Look {
  entity: Entity;
  fields: { plugin: string; name: string; hidden: boolean; declared: FieldDoc }[];
  views: { plugin: string; kind: string; name: string; body: Json }[];
}

export interface Looks {
  base: Look;
  draft: Look;
  /** Why the draft cannot be shown; then `draft` is what is published. */
  fault: string;
}

const ask = (entity: string, of: string) =>
  get<Look>(`/admin/customization/entities/${encodeURIComponent(entity)}?of=${of}`);

const is = (error: unknown, status: number) =>
  error instanceof ApiError && error.status === status;

/** One after the other: both may build the same draft. Of an entity of our own plugins say nothing:
 * then it is what it is, without fields and views of theirs. */
export async function lookAt(entity: string): Promise<Looks> {
  let base: Look | undefined;
  try {
    base = await ask(entity, "base");
  } catch (error) {
    if (!is(error, 404)) throw error;
  }
  const withDraft = (draft: Look, fault: string): Looks => ({
    base: base ?? { entity: { ...draft.entity, views: [] }, fields: [], views: [] },
    draft,
    fault,
  });
  try {
    return withDraft(await ask(entity, "draft"), "");
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 422) throw error;
    return withDraft(await ask(entity, "published"), error.message);
  }
}

/** The body of a view with its words as anybody can name them. */
export function viewBody(look: Look, kind: string, name = "default"): Json | undefined {
  const view = look.views.find((one) => one.kind === kind && one.name === name);
  return view && qualified(view.body, view.plugin);
}
