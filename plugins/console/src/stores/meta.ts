// meta - entities as the server describes them, kept per language until the model changes.
// SPDX-License-Identifier: MIT
//
// The server merges and filters by right; nothing is merged or hidden here.
import { shallowReactive } from "vue";
import { get, http } from "@/api/http";
import type { Entity } from "@/api/types";

const known = shallowReactive(new Map<string, Entity>());
const waiting = new Map<string, Promise<Entity>>();

const keyOf = (name: string) => `${http.lang}/${name}`;

export async function loadEntity(name: string): Promise<Entity> {
  const key = keyOf(name);
  const have = known.get(key) ?? waiting.get(key);
  if (have) return have;
  const loading = get<Entity>(`/meta/${encodeURIComponent(name)}`).then((entity) => {
    known.set(key, entity);
    return entity;
  });
  waiting.set(key, loading);
  loading.finally(() => waiting.delete(key)).catch(() => undefined);
  return loading;
}

/** What has been loaded already; asks for nothing. */
export function entityNow(name: string): Entity | undefined {
  return known.get(keyOf(name));
}

export function forgetMeta(): void {
  known.clear();
  waiting.clear();
}
