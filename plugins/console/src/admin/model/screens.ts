// screens - menus and dashboards without customization and as the draft has them, and who there is
// to show them to.
// SPDX-License-Identifier: MIT
import { ApiError, get } from "@/api/http";
import type { MenuItem, View, Widget } from "@/api/types";
import { CUSTOM, entityLabel, omit, qualified, type Json } from "@/logic/custom";
import { flat, type Node } from "@/logic/menuedit";
import { http } from "@/api/http";
import { briefEntities, type EntityHead } from "../kit/entities";
import type { RoleHead } from "../people/people";
import { draft, loadDraft } from "./draft";

export interface Global {
  shown: (View & { items?: MenuItem[] })[];
  views: { plugin: string; kind: string; name: string; body: Json }[];
}

export interface Globals {
  base: Global;
  draft: Global;
  fault: string;
}

const ask = (of: string) => get<Global>(`/admin/customization/views?of=${of}`);

export async function lookAtScreens(): Promise<Globals> {
  if (!draft.loaded) await loadDraft();
  const base = await ask("base");
  try {
    return { base, draft: await ask("draft"), fault: "" };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 422) throw error;
    return { base, draft: await ask("published"), fault: error.message };
  }
}

const bodyOf = (global: Global, kind: string, name: string) => {
  const view = global.views.find((one) => one.kind === kind && one.name === name);
  return view && { plugin: view.plugin, body: qualified(view.body, view.plugin) };
};

export const menuOf = (global: Global): Node[] =>
  (bodyOf(global, "menu", "main")?.body.items as Node[] | undefined) ?? [];

/** What entries are called now, by id. */
export function menuLabels(globals: Globals): Map<string, string> {
  const labels = new Map<string, string>();
  for (const global of [globals.base, globals.draft]) {
    const menu = global.shown.find((one) => one.kind === "menu" && one.name === "main");
    for (const item of flat((menu?.items ?? []) as unknown as Node[]))
      if (item.label) labels.set(item.id, item.label);
  }
  return labels;
}

export const dashboardOf = (global: Global, name: string) => bodyOf(global, "dashboard", name);

/** The widgets that people have now, with their words; undefined: nobody has that dashboard. */
export async function publishedBoard(name: string): Promise<Widget[] | undefined> {
  const now = await ask("published");
  const body = dashboardOf(now, name)?.body;
  const shown = now.shown.find((one) => one.kind === "dashboard" && one.name === name)?.widgets;
  return (body?.widgets as Widget[] | undefined)?.map((one) => {
    const { label } = shown?.find((each) => each.id === one.id) ?? {};
    return label ? { ...one, label } : omit(one, "label");
  });
}

/** Roles by name and label; null where the person may not see them. */
export async function rolesToChoose(): Promise<RoleHead[] | null> {
  try {
    return (await get<{ items: RoleHead[] }>("/admin/roles")).items;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return null;
    throw error;
  }
}

/** What people work with, and what the draft adds to it or takes away. */
export async function modelEntities(): Promise<EntityHead[]> {
  if (!draft.loaded) await loadDraft();
  const published = await briefEntities();
  const own = draft.doc.entities?.filter((one) => one.name) ?? [];
  const gone = new Set(own.filter((one) => one.retired).map((one) => one.name));
  const left = published.filter(
    (one) => one.plugin !== CUSTOM || own.some((each) => each.name === one.name),
  );
  const fresh = own
    .filter((one) => !one.retired && !published.some((each) => each.name === one.name))
    .map((one) => ({
      name: one.name!,
      label: entityLabel(draft.doc, one.name!, http.lang),
      label_plural: entityLabel(draft.doc, `${one.name!}.plural`, http.lang),
      icon: one.icon as string | undefined,
      plugin: CUSTOM,
    }));
  return [...fresh, ...left.filter((one) => !gone.has(one.name))];
}
