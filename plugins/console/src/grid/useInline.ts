// useInline - a cell that is changed in its place: opened, left, given up.
// SPDX-License-Identifier: MIT
import { nextTick, type Ref, ref } from "vue";
import type { Entity, Field, Rec } from "@/api/types";
import { onKey } from "@/logic/keys";

export interface Inline {
  root: Ref<HTMLElement | undefined>;
  entity: () => Entity;
  save: (row: Rec, field: string, value: unknown) => void;
}

export function useInline({ root, entity, save }: Inline) {
  const editing = ref<{ id: string; field: string; value: unknown } | null>(null);

  const canEdit = (field: Field) =>
    Boolean(field.inline && !field.readonly && entity().rights.update);
  const isOpen = (row: Rec, field: Field) =>
    editing.value?.id === row.id && editing.value.field === field.name;

  async function edit(row: Rec, field: Field) {
    if (!canEdit(field)) return;
    getSelection()?.removeAllRanges(); // two clicks have marked a word
    editing.value = { id: row.id, field: field.name, value: row[field.name] };
    await nextTick();
    root.value
      ?.querySelector<HTMLElement>(".editing input, .editing select, .editing textarea")
      ?.focus();
  }

  /** Leaving the cell saves, wherever the focus goes. */
  function leave(row: Rec, event?: FocusEvent) {
    const now = editing.value;
    const to = event?.relatedTarget as Node | null;
    if (!now || (to && (event?.currentTarget as Node)?.contains(to))) return;
    editing.value = null;
    save(row, now.field, now.value);
  }

  async function back(row: Rec) {
    editing.value = null;
    await nextTick();
    root.value?.querySelector<HTMLElement>(`[data-row="${row.id}"]`)?.focus();
  }

  const keys = (row: Rec) =>
    onKey({
      Enter: (event) => {
        event.preventDefault();
        (event.target as HTMLElement).blur();
        void back(row);
      },
      Escape: (event) => {
        event.stopPropagation();
        void back(row);
      },
    });

  return { editing, canEdit, isOpen, edit, leave, keys };
}
