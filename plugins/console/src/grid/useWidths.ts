// useWidths - a table's columns keep their width while rows come and go below its head; one whose
// edge is dragged has the width it is given.
// SPDX-License-Identifier: MIT
//
// The browser lays the first rows out by what stands in them; from then on those widths hold, until
// the columns, the list or the room for it are others.
import { nextTick, type Ref, shallowRef, watch } from "vue";
import { widthIn } from "@/logic/liststate";

export function useWidths(
  root: Ref<HTMLElement | undefined>,
  follows: () => unknown[],
  chosen: () => (number | undefined)[], // of each head, where somebody has said
) {
  const widths = shallowRef<number[]>([]);

  async function measure() {
    widths.value = [];
    await nextTick();
    const heads = root.value?.querySelectorAll<HTMLElement>("thead th") ?? [];
    if (!root.value?.querySelector("tbody tr[data-at]")) return;
    const said = chosen();
    widths.value = [...heads].map((one, i) => said[i] ?? one.getBoundingClientRect().width);
  }

  watch(follows, measure, { flush: "post" });

  /** The head at `at` follows the pointer; when it is let go its width is told. */
  function stretch(at: number, event: PointerEvent, done: (px: number) => void) {
    const from = event.clientX - (widths.value[at] ?? 0);
    let width = 0;
    const move = ({ clientX }: PointerEvent) => {
      width = widthIn(clientX - from);
      widths.value = widths.value.map((one, i) => (i === at ? width : one));
    };
    const end = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
      if (width) done(width);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  }

  return { widths, stretch };
}
