// usePages - a list that comes in pages: the first when the screen appears, more when asked for.
// SPDX-License-Identifier: MIT
import { ref } from "vue";
import { get } from "@/api/http";
import type { Page } from "@/api/types";
import { sayError } from "@/ui/toast";
import { useLoad } from "./useLoad";

/** `path` makes the address, with the mark of where the page before ended. */
export function usePages<T>(path: (cursor?: string) => string) {
  const next = ref<string | null>(null);
  const list = useLoad(async () => {
    const page = await get<Page<T>>(path());
    next.value = page.next;
    return page.items;
  });

  async function more() {
    if (!next.value) return;
    try {
      const page = await get<Page<T>>(path(next.value));
      list.data.value = [...(list.data.value ?? []), ...page.items];
      next.value = page.next;
    } catch (error) {
      sayError(error);
    }
  }

  return { list, next, more };
}
