// modules - what plugins bring beside metadata: help, and modules with widgets, each loaded once.
// SPDX-License-Identifier: MIT
import { get, http } from "@/api/http";

export interface Extra {
  id: string;
  title: string;
  help: boolean;
  ui?: string; // the address of its module; carries a mark of the file
}

const known = new Map<string, Promise<Extra[]>>(); // by language
const loading = new Map<string, Promise<unknown>>();

export function extras(): Promise<Extra[]> {
  const { lang } = http;
  let asked = known.get(lang);
  if (!asked) {
    asked = get<{ items: Extra[] }>("/plugins").then((answer) => answer.items);
    asked.catch(() => known.delete(lang));
    known.set(lang, asked);
  }
  return asked;
}

export function forgetExtras(): void {
  known.clear();
}

async function load(plugin: string): Promise<unknown> {
  const at = (await extras()).find((one) => one.id === plugin)?.ui;
  if (!at) throw new Error(`${plugin}: ui.js`);
  return import(/* @vite-ignore */ at);
}

export function loadModule(plugin: string): Promise<unknown> {
  const before = loading.get(plugin);
  if (before) return before;
  const module = load(plugin);
  loading.set(plugin, module);
  module.catch(() => loading.delete(plugin));
  return module;
}
