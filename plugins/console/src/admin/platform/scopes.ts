// scopes - what a key may do, as "entity:action" texts.
// SPDX-License-Identifier: MIT
export interface Scope {
  entity: string; // "" = not chosen yet
  actions: string[];
}

export function scopeText({ entity, actions }: Scope): string[] {
  if (!entity) return [];
  if (actions.includes("*")) return [entity === "*" ? "*" : `${entity}:*`];
  return actions.map((action) => `${entity}:${action}`);
}
