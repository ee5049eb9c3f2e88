// names - what people call plugins, objects and moments that the server knows by identifiers.
// SPDX-License-Identifier: MIT
import { onMounted, shallowRef } from "vue";
import { CUSTOM } from "@/logic/custom";
import { extras } from "@/stores/modules";
import { i18n, t } from "@/texts";
import { briefEntities, labelIn, type EntityHead } from "./entities";

/** A text of this page's languages, or what stands there already. */
export const wordOr = (key: string, otherwise: string) =>
  i18n.global.te(key) ? t(key) : otherwise;

/** Titles of active plugins; until they have come, and of others, their ids. */
export function usePluginTitles() {
  const titles = shallowRef<Record<string, string>>({});
  onMounted(async () => {
    const found = await extras().catch(() => []);
    titles.value = Object.fromEntries(found.map((one) => [one.id, one.title]));
  });
  return (id: string) => (id === CUSTOM ? t("fields.of_company") : (titles.value[id] ?? id));
}

export function useEntityLabels() {
  const entities = shallowRef<EntityHead[]>([]);
  onMounted(async () => {
    entities.value = await briefEntities().catch(() => []);
  });
  return { entities, labelOf: (name: string) => labelIn(entities.value, name) };
}

/** "before_update", or "transition:status" with the field it is about. */
export function momentWords(moment: string): string {
  const [name, field] = moment.split(":");
  const word = wordOr(`moment.${name}`, name);
  return field ? t("moment.of", { name: word, field }) : word;
}

/** Of an outbox or a trip: "hook:tickets:notice@ticket" is the handler "notice" of tickets. */
export function handlerParts(handler: string) {
  const [, plugin, id, entity] = /^hook:([^:]+):([^@]+)(?:@(.+))?$/.exec(handler) ?? [];
  return plugin ? { plugin, id, entity: entity ?? "" } : { plugin: "", id: handler, entity: "" };
}
