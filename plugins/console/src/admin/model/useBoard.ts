// useBoard - one shared dashboard while it is edited: widgets, words, roles, what is kept of them.
// SPDX-License-Identifier: MIT
import { computed, ref } from "vue";
import type { Widget } from "@/api/types";
import { copy, CUSTOM, type Json, omit, putWords, type Words, wordsOf } from "@/logic/custom";
import { dashboardPatches, isDashboardPatch } from "@/logic/dashedit";
import { draft, editDraft } from "./draft";
import { dashboardOf, type Globals } from "./screens";

const OURS = ["label", "icon", "roles", "widgets"];

export function useBoard(name: string) {
  const widgets = ref<Widget[]>([]);
  const base = ref<Json>();
  const label = ref<Words>({});
  const labelNow = ref("");
  const roles = ref<string[]>([]);
  const words = ref<Record<string, { now: string; words: Words }>>({});
  const before = ref("");
  const state = () => JSON.stringify([widgets.value, label.value, roles.value, words.value]);
  const changed = computed(() => before.value !== "" && before.value !== state());
  const isOwn = computed(() => !base.value);
  const titleKey = `dash.${name}`;
  const keyOf = (id: string) => `dash.${name}.${id}`;
  const baseWidgets = computed(() => (base.value?.widgets as Widget[] | undefined) ?? []);

  function begin(globals: Globals): boolean {
    base.value = dashboardOf(globals.base, name)?.body;
    const body = dashboardOf(globals.draft, name)?.body;
    if (!body) return false;
    const shown = [globals.draft, globals.base].map((one) =>
      one.shown.find((view) => view.kind === "dashboard" && view.name === name),
    );
    widgets.value = copy((body.widgets as Widget[] | undefined) ?? []);
    roles.value = copy((body.roles as string[] | undefined) ?? []);
    label.value = wordsOf(draft.doc, titleKey);
    labelNow.value = shown[0]?.label ?? name;
    words.value = Object.fromEntries(
      [...widgets.value, ...baseWidgets.value].map(({ id }) => {
        const now = shown.flatMap((one) => one?.widgets ?? []).find((one) => one.id === id)?.label;
        return [id, { now: now ?? "", words: wordsOf(draft.doc, keyOf(id)) }];
      }),
    );
    before.value = state();
    return true;
  }

  function setWords(id: string, next: Words) {
    words.value = { ...words.value, [id]: { now: words.value[id]?.now ?? "", words: next } };
    const plain = baseWidgets.value.find((one) => one.id === id)?.label;
    const has = Boolean(next["zh-CN"] || next.en);
    widgets.value = widgets.value.map((one) => {
      if (one.id !== id) return one;
      const rest = omit(one, "label");
      if (has) return { ...rest, label: `@${CUSTOM}:${keyOf(id)}` };
      return plain ? { ...rest, label: plain } : rest;
    });
  }

  const hasLabel = () => Boolean(label.value["zh-CN"] || label.value.en);
  const titleDoc = (): Json => (hasLabel() ? { label: `@${CUSTOM}:${titleKey}` } : {});

  /** Of a plugin's dashboard what differs from what it declares. */
  function patches(): Json[] {
    const to: Json = titleDoc();
    const old = (base.value!.roles as string[] | undefined) ?? [];
    if (JSON.stringify(old) !== JSON.stringify(roles.value)) to.roles = roles.value;
    return [
      ...dashboardPatches(name, baseWidgets.value, widgets.value),
      ...(Object.keys(to).length ? [{ dashboard: name, to }] : []),
    ];
  }

  /** What somebody wrote by hand of other members stays. */
  function others(patch: Json): Json[] {
    if ("set" in patch || typeof patch.to !== "object") return [];
    const to = Object.entries(patch.to as Json).filter(([member]) => !OURS.includes(member));
    return to.length ? [{ ...patch, to: Object.fromEntries(to) }] : [];
  }

  async function store() {
    await editDraft((doc) => {
      putWords(doc, titleKey, label.value);
      const kept = new Set(widgets.value.map((one) => one.id));
      for (const [id, one] of Object.entries(words.value))
        putWords(doc, keyOf(id), kept.has(id) ? one.words : {});
      const views = doc.views ?? [];
      if (base.value) {
        const hand = views.filter((one) => isDashboardPatch(one, name)).flatMap(others);
        const rest = views.filter((one) => !isDashboardPatch(one, name));
        doc.views = [...rest, ...hand, ...patches()];
      } else {
        doc.views = views.map((one) => (isOwnBoard(one, name) ? ownDoc(one) : one));
      }
      if (!doc.views.length) delete doc.views;
    });
  }

  function ownDoc(old: Json): Json {
    const own = { ...omit(old, "roles"), ...titleDoc(), widgets: widgets.value };
    return roles.value.length ? { ...own, roles: roles.value } : own;
  }

  return { widgets, label, labelNow, roles, words, changed, isOwn, begin, setWords, store };
}

export const isOwnBoard = (view: Json, name: string) =>
  view.kind === "dashboard" && view.name === name;
