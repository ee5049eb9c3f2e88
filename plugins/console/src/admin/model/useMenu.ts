// useMenu - the menu while it is edited: what is where, what it is called, what is kept of it.
// SPDX-License-Identifier: MIT
import { computed, ref } from "vue";
import { copy, inWords, putWords, type Words, wordsOf } from "@/logic/custom";
import {
  changed as withChange,
  flat,
  freeId,
  isGroup,
  isMenuPatch,
  labelled,
  listAt,
  menuPatches,
  moved,
  type Node,
  type Place,
  placeOf,
  stepped,
  without,
} from "@/logic/menuedit";
import { draft, editDraft } from "./draft";
import { type Globals, menuLabels, menuOf } from "./screens";

export function useMenu(lang: () => string) {
  const menu = ref<Node[]>([]);
  const base = ref<Node[]>([]);
  const words = ref<Record<string, Words>>({});
  const labels = ref(new Map<string, string>());
  const before = ref("");
  const state = () => JSON.stringify([menu.value, words.value]);
  const changed = computed(() => before.value !== "" && before.value !== state());
  const keyOf = (id: string) => `menu.item.${id}`;
  const baseOf = (id: string) => flat(base.value).find((one) => one.id === id);

  function begin(globals: Globals) {
    base.value = copy(menuOf(globals.base));
    menu.value = copy(menuOf(globals.draft));
    labels.value = menuLabels(globals);
    words.value = Object.fromEntries(
      flat([...menu.value, ...base.value]).map(({ id }) => [id, wordsOf(draft.doc, keyOf(id))]),
    );
    before.value = state();
  }

  const labelOf = (node: Node): string => {
    const own = inWords(words.value[node.id], lang());
    return own || labels.value.get(node.id) || node.id;
  };

  function setWords(id: string, next: Words) {
    words.value = { ...words.value, [id]: next };
    const key = next["zh-CN"] || next.en ? keyOf(id) : undefined;
    menu.value = withChange(menu.value, id, (node) => labelled(node, key, baseOf(id)));
  }

  function setNode(id: string, change: (node: Node) => Node) {
    menu.value = withChange(menu.value, id, change);
  }

  /** A new entry or group, at the end; the words are its own where it has any. */
  function add(node: Omit<Node, "id">, prefix: string, own?: Words, label?: string): string {
    const id = freeId(prefix, menu.value, base.value);
    menu.value = [...menu.value, { ...node, id } as Node];
    if (label) labels.value.set(id, label);
    if (own) setWords(id, own);
    return id;
  }

  /** What a plugin declares, back where it was or at the end. */
  function show(id: string) {
    const node = baseOf(id);
    if (!node) return;
    const at = placeOf(base.value, id)!.at;
    const list = [...menu.value];
    list.splice(Math.min(at, list.length), 0, copy(node));
    menu.value = list;
  }

  /** A group gives its entries back to the menu; an entry goes. */
  function hide(id: string) {
    const at = placeOf(menu.value, id);
    const node = at && listAt(menu.value, at.group)[at.at];
    if (!node) return;
    const rest = without(menu.value, id);
    if (isGroup(node)) rest.splice(at.at, 0, ...node.items!);
    menu.value = rest;
    if (!baseOf(id)) words.value = { ...words.value, [id]: {} };
  }

  const step = (id: string, by: 1 | -1) => (menu.value = stepped(menu.value, id, by));
  const move = (id: string, to: Place) => (menu.value = moved(menu.value, id, to));

  const isChanged = (node: Node) => {
    const own = baseOf(node.id);
    return Boolean(own) && JSON.stringify(own) !== JSON.stringify(node);
  };

  async function store() {
    await editDraft((doc) => {
      for (const [id, one] of Object.entries(words.value)) putWords(doc, keyOf(id), one);
      const others = (doc.views ?? []).filter((one) => !isMenuPatch(one));
      doc.views = [...others, ...menuPatches(base.value, menu.value)];
      if (!doc.views.length) delete doc.views;
    });
  }

  return {
    menu, base, words, changed, begin, labelOf, baseOf, setWords, setNode, add, show, hide, step,
    move, isChanged, store,
  };
}
