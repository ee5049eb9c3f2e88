// toast - short messages that go away by themselves; they are read out.
// SPDX-License-Identifier: MIT
import { reactive } from "vue";
import { ApiError } from "@/api/http";

export interface Toast {
  id: number;
  text: string;
  tone: "ok" | "error";
  trace?: string;
  action?: { label: string; run: () => void };
}

export const toasts = reactive<Toast[]>([]);
let last = 0;

export function drop(id: number): void {
  const at = toasts.findIndex((toast) => toast.id === id);
  if (at >= 0) toasts.splice(at, 1);
}

export function say(text: string, more: Partial<Toast> = {}): void {
  const toast: Toast = { id: ++last, text, tone: "ok", ...more };
  toasts.push(toast);
  if (toasts.length > 4) toasts.shift();
  setTimeout(() => drop(toast.id), toast.action || toast.tone === "error" ? 8000 : 4000);
}

/** Tells of an error with what the server calls it, so that somebody can look it up. */
export function sayError(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  const text = error instanceof Error ? error.message : String(error);
  const complaints =
    error instanceof ApiError
      ? Object.values(error.fields)
          .flat()
          .map((one) => one.message)
      : [];
  const trace = error instanceof ApiError && error.status >= 500 ? error.trace : undefined;
  say([text, ...complaints].join(" "), { tone: "error", trace });
}
