// useScroll - which rows of a table are drawn: those in sight of the box that scrolls, and some.
// SPDX-License-Identifier: MIT
import { computed, nextTick, onBeforeUnmount, onMounted, type Ref, ref, watch } from "vue";
import { drawnRows } from "@/logic/pages";

const ROW_GUESS = 41;

export function useScroll(root: Ref<HTMLElement | undefined>, count: () => number) {
  const top = ref(0);
  const height = ref(600);
  const row = ref(ROW_GUESS);
  const width = ref(0);
  const drawn = computed(() => drawnRows(top.value, height.value, row.value, count()));
  const seen = computed(() => {
    const from = Math.min(Math.floor(top.value / row.value), Math.max(0, count() - 1));
    const head = row.value; // the table's own head covers one row
    const to = Math.ceil((top.value + height.value - head) / row.value);
    return { from, to: Math.min(count(), Math.max(to, from + 1)) };
  });
  let box: HTMLElement | null = null;
  let watching: ResizeObserver | null = null;

  const move = () => (top.value = box!.scrollTop);

  function measure() {
    const one = root.value?.querySelector<HTMLElement>("tbody tr[data-at]");
    if (one?.offsetHeight) row.value = one.getBoundingClientRect().height;
    if (!box) return;
    height.value = box.clientHeight || height.value;
    width.value = box.clientWidth;
  }

  /** Brings a row into sight; it is drawn when this is done. */
  async function show(at: number) {
    if (!box) return;
    const y = at * row.value;
    const room = box.clientHeight - 2 * row.value;
    if (y < box.scrollTop) box.scrollTop = y;
    else if (y > box.scrollTop + room) box.scrollTop = y - room;
    move();
    await nextTick();
  }

  function jump(to: number) {
    if (!box) return;
    box.scrollTop = to;
    move();
  }

  const screen = () => Math.max(row.value, height.value - 2 * row.value);

  onMounted(() => {
    box = root.value?.closest<HTMLElement>(".scroll") ?? null;
    box?.addEventListener("scroll", move, { passive: true });
    watching = new ResizeObserver(measure);
    if (box) watching.observe(box);
    measure();
  });
  onBeforeUnmount(() => {
    box?.removeEventListener("scroll", move);
    watching?.disconnect();
  });
  watch(count, () => void nextTick(measure));

  return { drawn, seen, top, row, width, show, jump, screen };
}
