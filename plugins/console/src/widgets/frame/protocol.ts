// protocol - what the console and the frame of a plugin's widget say to each other.
// SPDX-License-Identifier: MIT
//
// The frame has an origin of its own: no session, no storage, nothing of the page. It asks for data
// through the port that it was given, and the console asks the server as the person who looks.

export interface Context {
  entity?: string;
  record?: unknown;
  field?: { name: string; label: string };
  locale: { lang: string; zone: string };
  theme: "light" | "dark";
}

export interface Look {
  lang: string;
  dark: boolean;
  vars: Record<string, string>; // the console's colours
}

export type ToFrame =
  | { kind: "show"; module: string; tag: string; context: Context; look: Look }
  | { kind: "context"; context: Context; look: Look }
  | { kind: "ping"; n: number }
  | { kind: "answer"; id: number; data?: unknown; error?: string };

export type Method = "get" | "post" | "patch";

export type FromFrame =
  | { kind: "ready" }
  | { kind: "failed"; why: string }
  | { kind: "pong"; n: number }
  | { kind: "height"; px: number }
  | { kind: "ask"; id: number; method: Method; path: string; body?: unknown }
  | { kind: "event"; name: "crm-change" | "crm-action"; detail: unknown };
