// useLayout - one layout while it is edited: its sections, of a page also its facts, path, tabs and
// panels, their words, and what is kept of them.
// SPDX-License-Identifier: MIT
import { computed, ref } from "vue";
import type { View } from "@/api/types";
import {
  copy,
  CUSTOM,
  isPatchOf,
  type Json,
  layoutPatches,
  type LayoutSection,
  ownView,
  patchTarget,
  putPatches,
  putView,
  putWords,
  type Words,
  wordsOf,
} from "@/logic/custom";
import { type Item, listPatches } from "@/logic/listpatch";
import type { Part } from "@/logic/pageparts";
import { draft, editDraft } from "./draft";
import { type Looks, viewBody } from "./look";

interface Body extends Json {
  sections?: LayoutSection[];
  left?: { sections?: LayoutSection[] };
  header?: { facts?: string[] };
  path?: { field?: string };
  main?: { tabs?: Part[] };
  panels?: Part[];
}
type Named = { id: string; label?: string };

const listOf = (kind: string, body: Body | undefined): LayoutSection[] =>
  copy((kind === "page" ? body?.left?.sections : body?.sections) ?? []);
const tabsOf = (body: Body | undefined): Part[] => copy(body?.main?.tabs ?? []);
const panelsOf = (body: Body | undefined): Part[] => copy(body?.panels ?? []);
const labelled = (kind: string, view: View | undefined): Named[] =>
  kind === "page"
    ? [
        ...(view?.left?.sections ?? []),
        ...(view?.main?.tabs ?? []),
        ...(view?.panels ?? []),
      ]
    : (view?.sections ?? []);
/** Members that this editor writes. */
const OURS = ["header", "path", "left", "main", "panels", "sections"];

export function useLayout(entity: string) {
  const sections = ref<LayoutSection[]>([]);
  const facts = ref<string[]>([]);
  const path = ref("");
  const tabs = ref<Part[]>([]);
  const panels = ref<Part[]>([]);
  const words = ref<Record<string, { now: string; words: Words }>>({});
  const before = ref("");
  let kind = "form";
  const base = ref<Body>();
  const state = () =>
    JSON.stringify([
      sections.value,
      facts.value,
      path.value,
      tabs.value,
      panels.value,
      Object.entries(words.value).map(([id, one]) => [id, one.words]),
    ]);
  const changed = computed(() => before.value !== "" && before.value !== state());
  const keyOf = (id: string) => `layout.${entity}.${kind}.${id}`;
  const baseTabs = computed(() => tabsOf(base.value));
  const basePanels = computed(() => panelsOf(base.value));

  function begin(looks: Looks, of: string) {
    kind = of;
    base.value = viewBody(looks.base, kind) as Body | undefined;
    const body = viewBody(looks.draft, kind) as Body | undefined;
    const find = (all: View[]) =>
      all.find((view) => view.kind === kind && (view.name ?? "default") === "default");
    const labels = [
      ...labelled(kind, find(looks.draft.entity.views)),
      ...labelled(kind, find(looks.base.entity.views)),
    ];
    sections.value = listOf(kind, body);
    facts.value = copy(body?.header?.facts ?? []);
    path.value = body?.path?.field ?? "";
    tabs.value = tabsOf(body);
    panels.value = panelsOf(body);
    words.value = Object.fromEntries(
      [...sections.value, ...tabs.value, ...panels.value, ...baseTabs.value, ...basePanels.value]
        .map((one) => one.id)
        .map((id) => [
          id,
          {
            now: labels.find((label) => label.id === id)?.label ?? "",
            words: wordsOf(draft.doc, keyOf(id)),
          },
        ]),
    );
    before.value = state();
  }

  /** Words of our own stand under a key of our own; without them what the plugin says. */
  function named<T extends Named>(list: T[], plain: Named[], id: string, has: boolean): T[] {
    return list.map((one) => {
      if (one.id !== id) return one;
      if (has) return { ...one, label: `@${CUSTOM}:${keyOf(id)}` };
      const rest = { ...one };
      delete rest.label;
      const label = plain.find((each) => each.id === id)?.label;
      return label ? { ...rest, label } : rest;
    });
  }

  function setWords(id: string, next: Words) {
    words.value = { ...words.value, [id]: { now: words.value[id]?.now ?? "", words: next } };
    const has = Boolean(next["zh-CN"] || next.en);
    sections.value = named(sections.value, listOf(kind, base.value), id, has);
    tabs.value = named(tabs.value, baseTabs.value, id, has);
    panels.value = named(panels.value, basePanels.value, id, has);
  }

  /** What the page says beside its lists, where it differs from what plugins declare. */
  function members(): Json {
    const old = base.value ?? {};
    const to: Json = {};
    if (JSON.stringify(old.header?.facts ?? []) !== JSON.stringify(facts.value))
      to.header = { ...old.header, facts: facts.value };
    if ((old.path?.field ?? "") !== path.value) to.path = path.value ? { field: path.value } : {};
    return to;
  }

  function pagePatches(target: Json): Json[] {
    const old = base.value ?? {};
    const to = members();
    return [
      ...listPatches(target, "tab", baseTabs.value, tabs.value as Item[], (list) => ({
        main: { ...old.main, tabs: list },
      })),
      ...listPatches(target, "panel", basePanels.value, panels.value as Item[], (list) => ({
        panels: list,
      })),
      ...(Object.keys(to).length ? [{ ...target, to }] : []),
    ];
  }

  function ownBody(): Json {
    if (kind !== "page") return { sections: sections.value };
    return {
      left: { sections: sections.value },
      header: { facts: facts.value },
      main: { tabs: tabs.value },
      panels: panels.value,
      ...(path.value ? { path: { field: path.value } } : {}),
    };
  }

  async function store() {
    await editDraft((doc) => {
      for (const [id, one] of Object.entries(words.value)) putWords(doc, keyOf(id), one.words);
      const own = ownView(doc, kind, entity);
      if (!base.value || own) {
        const rest = Object.fromEntries(
          Object.entries(own ?? {}).filter(([name]) => !OURS.includes(name)),
        );
        putView(doc, { ...rest, kind, entity, ...ownBody() });
        return;
      }
      const target = patchTarget(kind, entity);
      const kept = (doc.views ?? []).filter((one) => isPatchOf(one, kind, entity)).flatMap(others);
      putPatches(doc, kind, entity, "default", [
        ...kept,
        ...layoutPatches(target, listOf(kind, base.value), sections.value, (list) =>
          kind === "page"
            ? { left: { ...base.value?.left, sections: list } }
            : { sections: list },
        ),
        ...(kind === "page" ? pagePatches(target) : []),
      ]);
    });
  }

  /** Of a patch, what says members of the view that this editor does not know. */
  function others(patch: Json): Json[] {
    if ("set" in patch || typeof patch.to !== "object") return [];
    const to = Object.entries(patch.to as Json).filter(([name]) => !OURS.includes(name));
    return to.length ? [{ ...patch, to: Object.fromEntries(to) }] : [];
  }

  return {
    sections,
    facts,
    path,
    tabs,
    panels,
    baseTabs,
    basePanels,
    words,
    changed,
    begin,
    setWords,
    store,
  };
}
