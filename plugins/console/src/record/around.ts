// around - what lies before and behind a record in the list it was opened from.
// SPDX-License-Identifier: MIT

let last = { entity: "", ids: [] as string[], path: "" };

export function rememberList(entity: string, ids: string[], path: string): void {
  last = { entity, ids, path };
}

export function around(entity: string, id: string) {
  const at = last.entity === entity ? last.ids.indexOf(id) : -1;
  const back = last.entity === entity ? last.path : `/e/${entity}`;
  if (at < 0) return { back, prev: undefined, next: undefined };
  return { back, prev: last.ids[at - 1], next: last.ids[at + 1] };
}
