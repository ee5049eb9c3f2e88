// locale - how this person reads values, and what conditions know of them.
// SPDX-License-Identifier: MIT
import { computed } from "vue";
import { useI18n } from "vue-i18n";
import type { Locale } from "@/logic/format";
import type { FilterScope } from "@/logic/filter";
import { isList } from "@/logic/filter";
import { entityNow } from "@/stores/meta";
import { useSession } from "@/stores/session";
import { useSettings } from "@/stores/settings";

export function useLocale() {
  const { t } = useI18n();
  const session = useSession();
  const { settings } = useSettings();
  return computed<Locale>(() => ({
    lang: settings.lang,
    zone: session.zone,
    yes: t("yes"),
    no: t("no"),
  }));
}

/** What the evaluator needs; only entities that have been loaded are known to it. */
export function useScope() {
  const session = useSession();
  return (entity: string): FilterScope => ({
    entity,
    now: Date.now(),
    zone: session.zone,
    currency: session.boot?.tenant.currency ?? "CNY",
    me: { id: session.boot?.user.id ?? "" },
    field(of, name) {
      const field = entityNow(of)?.fields.find((one) => one.name === name);
      if (!field) return undefined;
      const shape = { type: field.result ?? field.type, ref: field.ref?.entity };
      return { ...shape, multiple: field.multiple || isList(shape) };
    },
    lookup: () => undefined,
  });
}
