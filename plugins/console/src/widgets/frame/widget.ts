// widget - the inside of a widget's frame: loads the plugin's module, shows its element, and passes
// on what it asks and says. Nothing here is trusted by the page around it.
// SPDX-License-Identifier: MIT
import "./widget.css";
import type { Context, FromFrame, Look, Method, ToFrame } from "./protocol";

type Shown = HTMLElement & { context?: unknown };

let port: MessagePort;
let element: Shown | null = null;
let last = 0;
const waiting = new Map<number, { done: (data: unknown) => void; fail: (why: Error) => void }>();
const tell = (message: FromFrame) => port.postMessage(message);

function ask(method: Method, path: string, body?: unknown): Promise<unknown> {
  const id = ++last;
  return new Promise((done, fail) => {
    waiting.set(id, { done, fail });
    tell({ kind: "ask", id, method, path, body });
  });
}

const api = {
  get: (path: string) => ask("get", path),
  post: (path: string, body?: unknown) => ask("post", path, body),
  patch: (path: string, body?: unknown) => ask("patch", path, body),
};

const whyOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

function broken(cause: unknown) {
  element?.remove();
  element = null;
  tell({ kind: "failed", why: whyOf(cause) });
}

function dress({ lang, dark, vars }: Look) {
  const root = document.documentElement;
  root.lang = lang;
  root.style.colorScheme = dark ? "dark" : "light";
  for (const [name, value] of Object.entries(vars)) root.style.setProperty(name, value);
}

function give(context: Context) {
  if (element) element.context = { ...context, api };
}

async function show({ module, tag, context, look }: Extract<ToFrame, { kind: "show" }>) {
  dress(look);
  await import(/* @vite-ignore */ module);
  await customElements.whenDefined(tag);
  element = document.createElement(tag);
  for (const name of ["crm-change", "crm-action"] as const)
    element.addEventListener(name, (event) =>
      tell({ kind: "event", name, detail: (event as CustomEvent<unknown>).detail }),
    );
  element.addEventListener("crm-error", (event) => broken((event as CustomEvent).detail ?? ""));
  give(context);
  document.body.append(element);
  const size = () => tell({ kind: "height", px: document.documentElement.scrollHeight });
  new ResizeObserver(size).observe(document.body);
  size();
  if (element) tell({ kind: "ready" });
}

function hear({ data }: MessageEvent<ToFrame>) {
  if (data.kind === "ping") tell({ kind: "pong", n: data.n });
  else if (data.kind === "show") show(data).catch(broken);
  else if (data.kind === "context") {
    dress(data.look);
    try {
      give(data.context);
    } catch (cause) {
      broken(cause);
    }
  } else {
    const one = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error === undefined) one?.done(data.data);
    else one?.fail(new Error(data.error));
  }
}

addEventListener("error", (event) => {
  if (port) broken(event.error ?? event.message);
  event.preventDefault();
});
addEventListener(
  "message",
  ({ ports }) => {
    port = ports[0];
    port.onmessage = hear;
  },
  { once: true },
);
