// around - what lies before and behind a record in the list it was opened from, and that list as it
// was, for coming back to it.
// SPDX-License-Identifier: MIT
import type { Snapshot } from "@/grid/useList";

interface Kept {
  entity: string;
  path: string;
  ids: string[];
  list?: Snapshot;
  top: number;
}

let last: Kept = { entity: "", path: "", ids: [], top: 0 };

export function rememberList(kept: Kept): void {
  last = kept;
}

export function around(entity: string, id: string) {
  const at = last.entity === entity ? last.ids.indexOf(id) : -1;
  const back = last.entity === entity ? last.path : `/e/${entity}`;
  if (at < 0) return { back, prev: undefined, next: undefined };
  return { back, prev: last.ids[at - 1], next: last.ids[at + 1] };
}

/** The list of an address as it was left, for who comes back from one of its records. */
export function leftList(entity: string, path: string): Kept | undefined {
  const { back, forward } = (history.state ?? {}) as { back?: string; forward?: string };
  const isBack = [back, forward].some((one) => one?.startsWith(`/e/${entity}/`));
  return isBack && last.path === path && last.list ? last : undefined;
}
