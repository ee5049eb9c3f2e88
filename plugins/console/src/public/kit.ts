// kit - what the pages for people without an account share: words, elements, sending. Small on
// purpose: a form on a phone with one bar should be there at once.
// SPDX-License-Identifier: MIT
import "./public.css";

export type Lang = "zh" | "en";

const asked = new URLSearchParams(location.search);
export const lang: Lang = (asked.get("lang") ?? navigator.language).toLowerCase().startsWith("zh")
  ? "zh"
  : "en";
document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
document.documentElement.classList.toggle(
  "dark",
  matchMedia("(prefers-color-scheme: dark)").matches,
);

export const param = (name: string) => asked.get(name) ?? undefined;

/** `words({ send: ["提交", "Send"] })` gives those of the language that is shown. */
export function words<K extends string>(all: Record<K, [string, string]>): Record<K, string> {
  const at = lang === "zh" ? 0 : 1;
  return Object.fromEntries(
    Object.entries<[string, string]>(all).map(([key, both]) => [key, both[at]]),
  ) as Record<K, string>;
}

type Child = Node | string | null | undefined | false;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | undefined> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((one): one is Node | string => Boolean(one)));
  return made;
}

const page = document.getElementById("page")!;

export function show(title: string, ...children: Child[]): void {
  document.title = title;
  const other = new URL(location.href);
  other.searchParams.set("lang", lang === "zh" ? "en" : "zh");
  const link = el("a", { href: other.pathname + other.search }, lang === "zh" ? "English" : "中文");
  page.replaceChildren(el("div", { class: "top" }, link), el("div", {}, ...children));
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly fields: Record<string, { message: string }[]> = {},
  ) {
    super(message);
  }
}

const said = words({
  offline: ["网络已断开，您填写的内容还在，请稍后重试。", "You are offline; what you wrote is kept. Please try again."],
  busy: ["提交太频繁，请 {n} 秒后重试。", "Too many requests. Please try again in {n} seconds."],
  failed: ["出了点问题，请稍后重试。", "Something went wrong. Please try again later."],
});

export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1/x/${path}`, {
      method,
      credentials: "omit",
      headers: {
        "Accept-Language": lang === "zh" ? "zh-CN" : "en",
        ...(body ? { "Content-Type": "application/json" } : {}),
      },
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch {
    throw new Refused(0, said.offline);
  }
  type Wrong = { message?: string; fields?: Record<string, { message: string }[]> };
  const answer = (await response.json().catch(() => ({}))) as { error?: Wrong };
  if (response.ok) return answer as T;
  if (response.status === 429) {
    const seconds = response.headers.get("Retry-After") ?? "60";
    throw new Refused(429, said.busy.replace("{n}", seconds));
  }
  const { message, fields } = answer.error ?? {};
  throw new Refused(response.status, message ?? said.failed, fields);
}

export interface Input {
  name: string;
  label: string;
  type?: string; // of the input; "area" is a longer text
  required?: boolean;
  complete?: string;
  most?: number;
  choices?: { value: string; label: string }[]; // picked from a list
  help?: string;
}

function controlOf(input: Input, shared: Record<string, string | boolean | undefined>) {
  if (input.choices) {
    const options = input.choices.map(({ value, label }) => el("option", { value }, label));
    return el("select", { ...shared, maxlength: undefined }, ...options);
  }
  return input.type === "area"
    ? el("textarea", { ...shared, rows: "5" })
    : el("input", { ...shared, type: input.type ?? "text" });
}

function fieldOf(input: Input): HTMLElement {
  const id = `in-${input.name}`;
  const shared = {
    id,
    name: input.name,
    required: input.required,
    maxlength: String(input.most ?? 200),
    autocomplete: input.complete ?? "off",
    "aria-describedby": input.help ? `${id}-help ${id}-wrong` : `${id}-wrong`,
  };
  return el(
    "div",
    { class: "field" },
    el(
      "label",
      { for: id },
      input.label,
      input.required && el("span", { class: "star", "aria-hidden": "true" }, " *"),
    ),
    controlOf(input, shared),
    input.help && el("p", { class: "muted", id: `${id}-help` }, input.help),
    el("p", { class: "wrong", id: `${id}-wrong` }),
  );
}

/**
 * A form that keeps what was typed whatever happens. `website` is what only programs fill in.
 * Complaints of the server stand at their fields; the first of them gets the focus.
 */
export function formOf(
  inputs: Input[],
  more: Node[],
  label: string,
  send: (values: Record<string, string>) => Promise<void>,
): HTMLFormElement {
  const notice = el("p", { class: "notice", role: "alert", hidden: true });
  const button = el("button", { class: "primary" }, label);
  const trap = el(
    "div",
    { class: "trap", "aria-hidden": "true" },
    el("input", { name: "website", tabindex: "-1", autocomplete: "off" }),
  );
  const form = el("form", {}, ...inputs.map(fieldOf), ...more, trap, notice, button);
  const mark = (name: string, text: string) => {
    const control = form.querySelector<HTMLElement>(`#in-${name}`);
    const place = form.querySelector(`#in-${name}-wrong`);
    if (!control || !place) return null;
    place.textContent = text;
    control.setAttribute("aria-invalid", String(Boolean(text)));
    return control;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    notice.hidden = true;
    for (const input of inputs) mark(input.name, "");
    const values: Record<string, string> = {};
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && value.trim()) values[name] = value.trim();
    }
    button.disabled = true;
    send(values)
      .catch((error: unknown) => {
        const refused = error instanceof Refused ? error : new Refused(0, String(error));
        let first: HTMLElement | null = null;
        const left: string[] = [];
        for (const [name, list] of Object.entries(refused.fields ?? {})) {
          const text = list.map((one) => one.message).join(" ");
          const at = mark(name, text);
          if (at) first ??= at;
          else left.push(text);
        }
        notice.textContent = [refused.message, ...left].join(" ");
        notice.hidden = false;
        first?.focus();
      })
      .finally(() => (button.disabled = false));
  });
  return form;
}
