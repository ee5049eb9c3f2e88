// session - who is signed in and what the server said at the start.
// SPDX-License-Identifier: MIT
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { ApiError, del, get, http, request } from "@/api/http";
import type { Boot } from "@/api/types";
import { forgetMeta } from "./meta";
import { forgetPreview } from "./preview";
import { forgetExtras } from "./modules";
import { keep, kept } from "./settings";

interface Session {
  csrf: string;
  due: "mfa" | "password" | null;
}

/** Signed in anew; not now, so that what was asked for fails; or done here. */
export type Answer = "on" | "later" | "leave";

const KEY = "perigee.session";

export const useSession = defineStore("session", () => {
  const boot = ref<Boot | null>(null);
  const due = ref<Session["due"]>(null);
  const offline = ref(false);
  const expired = ref(false); // somebody works here whose session has ended: asked to sign in again
  const zone = computed(() => boot.value?.user.timezone || boot.value?.tenant.timezone || "UTC");
  const admin = computed(() => boot.value?.permissions.admin ?? []);

  function begin(session: Session) {
    http.csrf = session.csrf;
    due.value = session.due;
    keep(KEY, { open: true });
  }

  /** Throws ApiError "mfa_required" where a code is due. */
  async function signIn(login: string, password: string, otp: string) {
    const body = { login, password, ...(otp ? { otp } : {}) };
    const options = { body, anonymous: true };
    begin((await request<Session>("POST", "/sessions", options)).data);
  }

  /** The session of the cookie, if there is one. */
  async function resume(): Promise<boolean> {
    if (!kept<{ open: boolean }>(KEY).open) return false;
    try {
      begin(await get<Session>("/sessions/current", { anonymous: true }));
      return true;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      end();
      return false;
    }
  }

  async function load() {
    if (!due.value) boot.value = await get<Boot>("/boot");
  }

  function end() {
    boot.value = null;
    due.value = null;
    http.csrf = "";
    keep(KEY, { open: false });
    forgetPreview();
    forgetMeta();
    forgetExtras();
  }

  async function signOut() {
    forgetPreview();
    await del("/sessions/current");
    end();
  }

  let again: Promise<Answer> | null = null;
  let answer: (how: Answer) => void = () => undefined;

  /** All that waits for the same session waits for the same answer. */
  function askAgain(): Promise<Answer> {
    again ??= new Promise((done) => {
      expired.value = true;
      answer = done;
    });
    return again;
  }

  function answered(how: Answer) {
    expired.value = false;
    again = null;
    answer(how);
  }

  const may = (entity: string, right: string) =>
    Boolean(boot.value?.permissions.entities[entity]?.includes(right));

  http.onOffline = (is) => (offline.value = is);
  addEventListener("offline", () => (offline.value = true));
  addEventListener("online", () => (offline.value = false));
  return {
    boot,
    due,
    zone,
    admin,
    offline,
    expired,
    signIn,
    resume,
    load,
    end,
    signOut,
    askAgain,
    answered,
    may,
  };
});
