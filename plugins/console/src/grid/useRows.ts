// useRows - what is done with single rows of a list: a cell saved and taken back, an action run.
// SPDX-License-Identifier: MIT
import { ref, shallowRef } from "vue";
import { useI18n } from "vue-i18n";
import type { Change } from "@/api/events";
import { ApiError } from "@/api/http";
import type { Entity, Rec, View } from "@/api/types";
import { same } from "@/logic/form";
import { actionsAt, isEnabled, update } from "@/record/actions";
import { filled, perform, useDoing } from "@/record/doing";
import { say, sayError } from "@/ui/toast";
import { useScope } from "@/widgets/locale";
import type { List } from "./useList";

export function useRows(entity: Entity, list: List) {
  const { t } = useI18n();
  const { name } = entity;
  const scopeOf = useScope();
  const scope = scopeOf(name);
  const { outcome, opened, done } = useDoing(name);
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

  /** Fields that an action sets; as with a cell, it can be taken back. */
  async function set(action: View, row: Rec, values: Record<string, unknown>) {
    const before = Object.fromEntries(Object.keys(values).map((one) => [one, row[one] ?? null]));
    const isKnown = Object.keys(values).every((one) => one in row); // what is not shown is not read
    const fresh = await update(name, row, values);
    own.set(row.id, fresh.version);
    const undo = async () => {
      await update(name, fresh, before);
      await refresh();
    };
    const back = { label: t("undo"), run: () => void undo().catch(sayError) };
    say(t("action.done", { name: action.label ?? "" }), isKnown ? { action: back } : {});
  }

  async function run(action: View, row: Rec, args: Record<string, unknown>) {
    if (action.values) await set(action, row, { ...filled(action.values, scopeOf(name)), ...args });
    else done(action, await perform(action, name, args, { id: row.id }));
    if (action.result !== "open") await refresh();
  }

  function start(action: View, row: Rec) {
    if (action.open) void opened(action, row);
    else if (action.confirm || action.params?.length) acting.value = { action, row };
    else run(action, row, {}).catch(sayError);
  }

  return { isOwn, stale, acting, outcome, actions, canAct, refresh, save, run, start };
}
