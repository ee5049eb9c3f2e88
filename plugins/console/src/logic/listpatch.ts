// listpatch - what makes one list of things with ids out of another, thing by thing, so that what a
// plugin adds later still arrives: changed ones are set, moved ones taken out and put back.
// SPDX-License-Identifier: MIT
import type { Json } from "./custom";

export interface Item extends Json {
  id: string;
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Members that differ; undefined where one was taken away, which no patch can say. */
function changedMembers(before: Item, after: Item): Json | undefined {
  const out: Json = {};
  for (const name of Object.keys(before)) if (!(name in after)) return undefined;
  for (const [name, value] of Object.entries(after))
    if (!same(before[name], value)) out[name] = value;
  return out;
}

/** The longest part of a list of different numbers that grows from left to right. */
export function growing(numbers: number[]): Set<number> {
  const ends: number[] = []; // positions: of the smallest end of a part of each length
  const behind: number[] = [];
  numbers.forEach((number, at) => {
    let length = 0;
    while (length < ends.length && numbers[ends[length]] < number) length++;
    behind[at] = length ? ends[length - 1] : -1;
    ends[length] = at;
  });
  const part = new Set<number>();
  for (let at = ends.at(-1) ?? -1; at >= 0; at = behind[at]) part.add(numbers[at]);
  return part;
}

/**
 * The patches; `payload` is the word that an added thing stands under ("section", "item"). Where
 * nothing stays that could be an anchor, `whole` says the list anew.
 */
export function listPatches(
  target: Json,
  payload: string,
  before: Item[],
  after: Item[],
  whole?: (list: Item[]) => Json,
): Json[] {
  const placeOf = new Map(after.map((one, at) => [one.id, at]));
  const changes = new Map<string, Json>();
  const able = before.filter((one) => {
    const at = placeOf.get(one.id);
    const change = at === undefined ? undefined : changedMembers(one, after[at]);
    if (change) changes.set(one.id, change);
    return Boolean(change);
  });
  const staying = growing(able.map((one) => placeOf.get(one.id)!));
  if (!staying.size && after.length && whole) {
    return same(before, after) ? [] : [{ ...target, to: whole(after) }];
  }
  const gone = before.filter((one) => !staying.has(placeOf.get(one.id) ?? -1));
  const first = after.find((_, at) => staying.has(at));
  const patches: Json[] = gone.map((one) => ({ ...target, remove: one.id }));
  after.forEach((one, at) => {
    if (staying.has(at)) {
      const to = changes.get(one.id)!;
      if (Object.keys(to).length) patches.push({ ...target, set: one.id, to });
      return;
    }
    const place = at ? { after: after[at - 1].id } : first ? { before: first.id } : {};
    patches.push({ ...target, ...place, [payload]: one });
  });
  return patches;
}
