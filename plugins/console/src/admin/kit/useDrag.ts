// useDrag - rows of an ordered list that are dragged by their grip. The page is put back as it was
// and the data moved instead, so that Vue finds what it has drawn.
// SPDX-License-Identifier: MIT
import { onBeforeUnmount, onMounted, type Ref } from "vue";
import type Sortable from "sortablejs";

export function useDrag(
  list: Ref<HTMLElement | undefined>,
  moved: (from: number, to: number) => void,
  handle = ".grip",
) {
  let sortable: Sortable | undefined;
  let gone = false;
  onMounted(async () => {
    const { default: Library } = await import("sortablejs");
    if (!list.value || gone) return;
    sortable = Library.create(list.value, {
      handle,
      animation: 0,
      delay: 150,
      delayOnTouchOnly: true,
      onEnd: ({ oldIndex, newIndex, item, from }) => {
        if (oldIndex === undefined || newIndex === undefined || oldIndex === newIndex) return;
        item.remove();
        from.insertBefore(item, from.children[oldIndex] ?? null);
        moved(oldIndex, newIndex);
      },
    });
  });
  onBeforeUnmount(() => {
    gone = true;
    sortable?.destroy();
  });
}
