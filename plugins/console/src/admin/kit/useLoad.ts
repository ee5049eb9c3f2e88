// useLoad - something that is loaded: nothing yet, there, or why not.
// SPDX-License-Identifier: MIT
import { onMounted, ref, type Ref, shallowRef } from "vue";

export interface Loading<T> {
  data: Ref<T | undefined>;
  error: Ref<Error | null>;
  busy: Ref<boolean>;
  load: () => Promise<void>;
}

/** Loads when the screen appears, and again whenever asked; what was there stays meanwhile. */
export function useLoad<T>(fetch: () => Promise<T>): Loading<T> {
  const data = shallowRef<T>();
  const error = ref<Error | null>(null);
  const busy = ref(false);
  let last = 0;

  async function load() {
    const mine = ++last;
    busy.value = true;
    try {
      const found = await fetch();
      if (mine !== last) return;
      data.value = found;
      error.value = null;
    } catch (cause) {
      if (mine === last) error.value = cause instanceof Error ? cause : new Error(String(cause));
    } finally {
      if (mine === last) busy.value = false;
    }
  }

  onMounted(load);
  return { data, error, busy, load };
}
