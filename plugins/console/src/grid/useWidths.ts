// useWidths - a table's columns keep their width while rows come and go below its head.
// SPDX-License-Identifier: MIT
//
// The browser lays the first rows out by what stands in them; from then on those widths hold, until
// the columns, the list or the room for it are others.
import { nextTick, type Ref, shallowRef, watch } from "vue";

export function useWidths(root: Ref<HTMLElement | undefined>, follows: () => unknown[]) {
  const widths = shallowRef<number[]>([]);

  async function measure() {
    widths.value = [];
    await nextTick();
    const heads = root.value?.querySelectorAll<HTMLElement>("thead th") ?? [];
    if (!root.value?.querySelector("tbody tr[data-at]")) return;
    widths.value = [...heads].map((one) => one.getBoundingClientRect().width);
  }

  watch(follows, measure, { flush: "post" });
  return widths;
}
