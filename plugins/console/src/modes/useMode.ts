// useMode - what a list shown in another way asks for: read anew when the question changes, and
// said to be old when somebody has changed something.
// SPDX-License-Identifier: MIT
import { onBeforeUnmount, ref, shallowRef, watch } from "vue";
import { useRoute } from "vue-router";
import { onChange } from "@/api/events";
import { rememberList } from "@/record/around";
import { isMadeHere, useShell } from "@/shell/state";

export interface Mode<T> {
  entity: string;
  key: () => string; // of the question
  ask: (signal: AbortSignal) => Promise<T>;
  ids?: (data: T) => string[]; // in their order, for who goes on from one to the next
}

export function useMode<T>(mode: Mode<T>) {
  const route = useRoute();
  let path = route.fullPath;
  const data = shallowRef<T | null>(null);
  const busy = ref(true);
  const failed = shallowRef<unknown>(null);
  const stale = ref(false);
  let running: AbortController | null = null;

  async function load() {
    running?.abort();
    const own = new AbortController();
    running = own;
    busy.value = true;
    path = route.fullPath;
    try {
      data.value = await mode.ask(own.signal);
      failed.value = null;
      stale.value = false;
    } catch (error) {
      if (own.signal.aborted) return;
      failed.value = error;
    } finally {
      if (running === own) busy.value = false;
    }
  }

  const shell = useShell();
  watch(
    () => shell.made,
    (made) => made?.entity === mode.entity && void load(),
  );
  const stop = onChange((change) => {
    const isOther = change?.entity === mode.entity && !isMadeHere(change);
    if (!change || isOther) stale.value = true;
  });
  watch(mode.key, load, { immediate: true });
  onBeforeUnmount(() => {
    stop();
    running?.abort();
    const ids = data.value && mode.ids ? mode.ids(data.value) : [];
    rememberList({ entity: mode.entity, path, ids, top: 0 });
  });
  return { data, busy, failed, stale, load };
}
