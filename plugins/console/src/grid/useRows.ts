// useRows - what is done with single rows of a list: a cell saved and taken back, an action run.
// SPDX-License-Identifier: MIT
import { ref, shallowRef } from "vue";
import { useI18n } from "vue-i18n";
import type { Change } from "@/api/events";
import { ApiError } from "@/api/http";
import type { Entity, Rec, View } from "@/api/types";
import { same } from "@/logic/form";
import { act, actionsAt, isEnabled, update } from "@/record/actions";
import { say, sayError } from "@/ui/toast";
import { useScope } from "@/widgets/locale";
import type { List } from "./useList";

export function useRows(entity: Entity, list: List) {
  const { t } = useI18n();
  const { name } = entity;
  const scope = useScope()(name);
  const stale = ref(false); // something of this kind was changed elsewhere
  const own = new Map<string, number>(); // versions that were saved here: no news
  const isOwn = (change: Change) => (change.version ?? Infinity) <= (own.get(change.id) ?? 0);
  const acting = shallowRef<{ action: View; row: Rec } | null>(null);
  const actions = actionsAt(entity, "row");
  const canAct = (action: View, row: Rec) => isEnabled(action, row, scope);

  async function refresh() {
    stale.value = false;
    await list.refresh();
  }

  async function save(row: Rec, field: string, value: unknown, isUndo = false) {
    if (same(row[field], value)) return;
    const before = row[field];
    try {
      const fresh = await update(name, row, { [field]: value });
      own.set(row.id, fresh.version);
      const shown = list.rows.value.find((one) => one?.id === row.id);
      list.replace({ id: row.id, version: fresh.version, [field]: fresh[field] ?? null } as Rec);
      const again = { ...(shown ?? row), version: fresh.version, [field]: fresh[field] } as Rec;
      const undo = { label: t("undo"), run: () => void save(again, field, before, true) };
      say(isUndo ? t("undone") : t("saved"), isUndo ? {} : { action: undo });
      stale.value = false;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 412) {
        await list.refresh();
        say(t("list.moved"), { tone: "error" });
        return;
      }
      const retry = { label: t("retry"), run: () => void save(row, field, value, isUndo) };
      sayError(error, error.status === 422 ? undefined : retry); // what was typed is not lost
    }
  }

  async function run(action: View, row: Rec, args: Record<string, unknown>) {
    await act(name, row.id, action.name ?? "", args);
    say(t("action.done", { name: action.label ?? "" }));
    await refresh();
  }

  function start(action: View, row: Rec) {
    if (action.confirm || action.params?.length) acting.value = { action, row };
    else run(action, row, {}).catch(sayError);
  }

  return { isOwn, stale, acting, actions, canAct, refresh, save, run, start };
}
