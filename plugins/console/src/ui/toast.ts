// toast - short messages that go away by themselves; they are read out.
// SPDX-License-Identifier: MIT
import { reactive } from "vue";
import { complaintsOf, hintOf, messageOf, traceOf } from "./failure";

export interface Toast {
  id: number;
  text: string;
  tone: "ok" | "error";
  trace?: string;
  action?: { label: string; run: () => void };
}

export const toasts = reactive<Toast[]>([]);
let last = 0;
const SHORT_MS = 4000;
const LONG_MS = 8000; // there is something to do, or more to read
const ERROR_MS = 15_000;

export function drop(id: number): void {
  const at = toasts.findIndex((toast) => toast.id === id);
  if (at >= 0) toasts.splice(at, 1);
}

export function say(text: string, more: Partial<Toast> = {}): void {
  const toast: Toast = { id: ++last, text, tone: "ok", ...more };
  toasts.push(toast);
  if (toasts.length > 4) toasts.shift();
  const stays = toast.tone === "error" && (toast.trace || toast.action);
  const ms = stays ? ERROR_MS : toast.action || toast.tone === "error" ? LONG_MS : SHORT_MS;
  setTimeout(() => drop(toast.id), ms);
}

/** Tells of an error, what to do next, and what the server calls it. */
export function sayError(error: unknown, action?: Toast["action"]): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  const complaints = complaintsOf(error);
  const hint = complaints.length ? "" : hintOf(error);
  const text = [messageOf(error), ...complaints, hint].filter(Boolean).join(" ");
  const before = toasts.findIndex((toast) => toast.text === text); // the same is said once
  if (before >= 0) toasts.splice(before, 1);
  say(text, { tone: "error", trace: traceOf(error) || undefined, action });
}
