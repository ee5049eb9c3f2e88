// useSave - saving what a form holds: busy, what the server says of which field, and of all of it.
// SPDX-License-Identifier: MIT
import { ref, shallowRef } from "vue";
import { ApiError } from "@/api/http";
import { t } from "@/texts";
import { say } from "./toast";

export type Complaints = Record<string, { message: string }[]>;

/** The person was asked on the way and saved nothing: no error to be shown. */
export class GivenUp extends Error {}

export function useSave() {
  const busy = ref(false);
  const errors = ref<Complaints>({});
  const error = shallowRef<unknown>(null);

  function clear() {
    errors.value = {};
    error.value = null;
  }

  /** True when it was done, which is told unless `done` is empty; else what went wrong stands in
   * `errors` and `error`. */
  async function save(work: () => Promise<unknown>, done = t("saved")): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    clear();
    try {
      await work();
      if (done) say(done);
      return true;
    } catch (cause) {
      if (cause instanceof GivenUp) return false;
      if (cause instanceof ApiError) errors.value = cause.fields ?? {};
      error.value = cause;
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { busy, errors, error, save, clear };
}
