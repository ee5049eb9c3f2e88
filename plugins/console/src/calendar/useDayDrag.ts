// useDayDrag - records are dragged from day to day, by mouse and by touch.
// SPDX-License-Identifier: MIT
//
// A finger that rests begins a drag, one that moves scrolls. Vue moves what was dropped: here it is
// only put back.
import { nextTick, onBeforeUnmount, type Ref, watch } from "vue";

const HOLD_MS = 180;

interface Drag {
  root: Ref<HTMLElement | undefined>;
  may: () => boolean;
  begins: (is: boolean) => void;
  drop: (id: string, day: string) => void;
}

export function useDayDrag(days: () => unknown, { root, may, begins, drop }: Drag) {
  const armed = new Map<HTMLElement, { destroy(): void }>();

  async function arm() {
    if (!may()) return;
    const { default: Sortable } = await import("sortablejs");
    const lists = new Set(root.value?.querySelectorAll<HTMLElement>("ul[data-day]"));
    for (const [list, drag] of armed) {
      if (lists.has(list)) continue;
      drag.destroy();
      armed.delete(list);
    }
    for (const list of lists) {
      if (armed.has(list)) continue;
      const drag = Sortable.create(list, {
        group: "calendar",
        sort: false,
        draggable: ".cal-item",
        delay: HOLD_MS,
        delayOnTouchOnly: true,
        touchStartThreshold: 6,
        filter: ".drop",
        preventOnFilter: false,
        scrollSensitivity: 60,
        onStart: async () => {
          begins(true);
          await nextTick();
          void arm(); // the days that can be dropped on are more now
        },
        onEnd({ item, from, to, oldIndex }) {
          from.insertBefore(item, from.children[oldIndex ?? 0] ?? null);
          begins(false);
          const day = to.dataset.day;
          if (from !== to && day) drop(item.dataset.id ?? "", day);
        },
      });
      armed.set(list, drag);
    }
  }

  watch(days, () => void nextTick(arm), { immediate: true, flush: "post" });
  onBeforeUnmount(() => armed.forEach((drag) => drag.destroy()));
}
