// modules - what plugins bring beside metadata: help, and modules with widgets.
// SPDX-License-Identifier: MIT
import { get, http } from "@/api/http";

export interface Extra {
  id: string;
  title: string;
  help: boolean;
  ui?: string; // the address of its module; carries a mark of the file
}

const known = new Map<string, Promise<Extra[]>>(); // by language

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

/** The address of a plugin's module; an Error where it has none. */
export async function moduleOf(plugin: string): Promise<string> {
  const at = (await extras()).find((one) => one.id === plugin)?.ui;
  if (!at) throw new Error(`${plugin}: ui.js`);
  return at;
}
