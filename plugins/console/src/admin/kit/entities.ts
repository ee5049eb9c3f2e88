// entities - what there is, by name and label, for choosing one.
// SPDX-License-Identifier: MIT
import { get } from "@/api/http";

export interface EntityHead {
  name: string;
  label: string;
  label_plural: string;
  icon?: string;
  plugin: string;
  system?: boolean;
  parent?: string;
}

/** Those that people work with first, by label. */
export async function briefEntities(): Promise<EntityHead[]> {
  const { entities } = await get<{ entities: EntityHead[] }>("/meta?brief=true");
  return entities.sort(
    (a, b) =>
      Number(Boolean(a.parent)) - Number(Boolean(b.parent)) ||
      Number(a.system ?? false) - Number(b.system ?? false) ||
      a.label.localeCompare(b.label),
  );
}

export const labelIn = (all: EntityHead[], name: string) =>
  all.find((one) => one.name === name)?.label ?? name;
