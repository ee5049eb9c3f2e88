// useLayout - one layout while it is edited: its sections, their words, and what is kept of them.
// SPDX-License-Identifier: MIT
import { computed, ref } from "vue";
import type { Section } from "@/api/types";
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
import { draft, editDraft } from "./draft";
import { type Looks, viewBody } from "./look";

type Body = Json & { sections?: LayoutSection[]; left?: { sections?: LayoutSection[] } };
type Shown = { sections?: Section[]; left?: { sections?: Section[] } };

const listOf = (kind: string, body: Json | undefined): LayoutSection[] =>
  copy(((kind === "page" ? (body as Body)?.left : (body as Body))?.sections ?? []) as never);

export function useLayout(entity: string) {
  const sections = ref<LayoutSection[]>([]);
  const facts = ref<string[]>([]);
  const words = ref<Record<string, { now: string; words: Words }>>({});
  const before = ref("");
  let kind = "form";
  let base: Json | undefined;
  const state = () => JSON.stringify([sections.value, facts.value, words.value]);
  const changed = computed(() => before.value !== "" && before.value !== state());
  const keyOf = (id: string) => `layout.${entity}.${kind}.${id}`;

  function begin(looks: Looks, of: string) {
    kind = of;
    base = viewBody(looks.base, kind);
    const body = viewBody(looks.draft, kind);
    const shown = looks.draft.entity.views.find(
      (view) => view.kind === kind && (view.name ?? "default") === "default",
    ) as Shown | undefined;
    const labels = (kind === "page" ? shown?.left?.sections : shown?.sections) ?? [];
    sections.value = listOf(kind, body);
    facts.value = copy(((body?.header as Json)?.facts as string[]) ?? []);
    words.value = Object.fromEntries(
      sections.value.map((one) => [
        one.id,
        {
          now: labels.find((label) => label.id === one.id)?.label ?? "",
          words: wordsOf(draft.doc, keyOf(one.id)),
        },
      ]),
    );
    before.value = state();
  }

  /** Words of our own stand under a key of our own. */
  function setWords(id: string, next: Words) {
    words.value = { ...words.value, [id]: { now: words.value[id]?.now ?? "", words: next } };
    const has = Boolean(next["zh-CN"] || next.en);
    const plain = listOf(kind, base).find((one) => one.id === id)?.label;
    sections.value = sections.value.map((one) => {
      if (one.id !== id) return one;
      if (has) return { ...one, label: `@${CUSTOM}:${keyOf(id)}` };
      const rest = { ...one };
      delete rest.label;
      return plain ? { ...rest, label: plain } : rest;
    });
  }

  function pagePatches(target: Json): Json[] {
    const old = (base?.header as Json) ?? {};
    const same = JSON.stringify(old.facts ?? []) === JSON.stringify(facts.value);
    if (kind !== "page" || same) return [];
    return [{ ...target, to: { header: { ...old, facts: facts.value } } }];
  }

  async function store() {
    await editDraft((doc) => {
      for (const [id, one] of Object.entries(words.value)) putWords(doc, keyOf(id), one.words);
      const own = ownView(doc, kind, entity);
      if (!base || own) {
        const view =
          kind === "page"
            ? { kind, entity, left: { sections: sections.value }, header: { facts: facts.value } }
            : { kind, entity, sections: sections.value };
        putView(doc, { ...own, ...view });
        return;
      }
      const target = patchTarget(kind, entity);
      // patches of other shapes, written by hand, stay
      const kept = (doc.views ?? []).filter(
        (one) =>
          isPatchOf(one, kind, entity) && !("section" in one || "set" in one) && !isOurs(one),
      );
      putPatches(doc, kind, entity, "default", [
        ...kept,
        ...layoutPatches(target, listOf(kind, base), sections.value),
        ...pagePatches(target),
      ]);
    });
  }

  /** A patch that this editor writes anew each time. */
  function isOurs(patch: Json): boolean {
    if (typeof patch.remove === "string") return patch.remove.startsWith("section.");
    return typeof patch.to === "object" && "header" in (patch.to as Json);
  }

  return { sections, facts, words, changed, begin, setWords, store };
}
