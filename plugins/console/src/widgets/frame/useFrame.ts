// useFrame - a frame with a plugin's widget: starts it, answers it, and ends it when it no longer
// answers. Browsers give it a process of its own, so a loop in it stops nothing but itself.
// SPDX-License-Identifier: MIT
import { onBeforeUnmount, type Ref, ref } from "vue";
import { get, patch, post } from "@/api/http";
import { keep, kept } from "@/stores/settings";
import type { Context, FromFrame, Look, ToFrame } from "./protocol";

const LATE_MS = 5000;
const BEAT_MS = 2000;
const MISSED_MAX = 3; // beats without an answer
const STUCK_MS = 30_000; // so long after it began and never answered, it had stopped the page

const VARS = ["--primary", "--primary-strong", "--primary-soft", "--on-primary", "--bg"]
  .concat(["--surface", "--surface-2", "--hover", "--line", "--line-strong", "--text", "--text-2"])
  .concat(["--text-3", "--danger", "--danger-soft", "--ok", "--ok-soft", "--warn", "--warn-soft"])
  .concat(["--radius", "--radius-s", "--control", "--font", "--shadow"]);

export type FrameState = "loading" | "there" | "failed" | "hung" | "off";

export interface Told {
  event: (name: "crm-change" | "crm-action", detail: unknown) => void;
  context: () => Context;
}

export function lookOf(lang: string): Look {
  const style = getComputedStyle(document.documentElement);
  const dark = document.documentElement.classList.contains("dark");
  const vars = Object.fromEntries(VARS.map((name) => [name, style.getPropertyValue(name)]));
  return { lang, dark, vars };
}

export function useFrame(name: string, frame: Ref<HTMLIFrameElement | undefined>, told: Told) {
  const state = ref<FrameState>("loading");
  const why = ref("");
  const height = ref(0);
  const mark = `perigee.widget.${name}`;
  let port: MessagePort | null = null;
  let beat: ReturnType<typeof setInterval> | undefined;
  let late: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  let heard = 0;

  const send = (message: ToFrame) => port?.postMessage(message);

  function stop() {
    clearInterval(beat);
    clearTimeout(late);
    port?.close();
    port = null;
  }

  function end(how: FrameState, text = "") {
    stop();
    keep(mark, {});
    state.value = how;
    why.value = text;
  }

  async function answer(message: Extract<FromFrame, { kind: "ask" }>) {
    const { id, method, path, body } = message;
    try {
      const data = await (method === "get" ? get(path) : { post, patch }[method](path, body));
      send({ kind: "answer", id, data });
    } catch (cause) {
      send({ kind: "answer", id, error: cause instanceof Error ? cause.message : String(cause) });
    }
  }

  function hear({ data }: MessageEvent<FromFrame>) {
    if (data.kind === "pong") heard = data.n;
    else if (data.kind === "height") height.value = Math.min(Math.ceil(data.px), 2000);
    else if (data.kind === "ask") void answer(data);
    else if (data.kind === "event") told.event(data.name, data.detail);
    else if (data.kind === "failed") end("failed", data.why);
    else {
      clearTimeout(late);
      keep(mark, {});
      state.value = "there";
    }
  }

  /** A hidden page is slowed down by the browser, and so is what runs in it. */
  function pulse() {
    if (document.hidden) heard = asked;
    else if (asked - heard >= MISSED_MAX) return end("hung");
    send({ kind: "ping", n: ++asked });
  }

  /** The frame has loaded its page: it is given a port, and what to show. */
  function begin(module: string, tag: string, lateText: string) {
    const before = kept<{ at: number }>(mark)?.at;
    if (before && Date.now() - before > STUCK_MS) return end("off");
    keep(mark, { at: Date.now() });
    const channel = new MessageChannel();
    port = channel.port1;
    port.onmessage = hear;
    frame.value?.contentWindow?.postMessage(null, "*", [channel.port2]);
    const context = told.context();
    send({ kind: "show", module, tag, context, look: lookOf(context.locale.lang) });
    late = setTimeout(() => end("failed", lateText), LATE_MS);
    beat = setInterval(pulse, BEAT_MS);
  }

  function renew() {
    const context = told.context();
    send({ kind: "context", context, look: lookOf(context.locale.lang) });
  }

  const forget = () => keep(mark, {});
  addEventListener("pagehide", forget); // a page that was stopped does not get that far
  onBeforeUnmount(() => {
    removeEventListener("pagehide", forget);
    stop();
    forget();
  });
  return { state, why, height, begin, end, renew };
}
