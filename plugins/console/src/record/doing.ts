// doing - what an action lets happen: an operation, a plugin's route, fields that are set, a list
// that is opened; and where its answer leads.
// SPDX-License-Identifier: MIT
import { shallowRef } from "vue";
import { useI18n } from "vue-i18n";
import { useRouter } from "vue-router";
import { post } from "@/api/http";
import type { Rec, View } from "@/api/types";
import { type FilterScope, idOf } from "@/logic/filter";
import { dayOf } from "@/logic/zoned";
import { say } from "@/ui/toast";
import { act } from "./actions";

export type Answer = Record<string, unknown> | null;

export interface Outcome {
  action: View;
  data: Record<string, unknown>;
}

/** What an action sets, with the words that stand for who asks and when. */
export function filled(values: Record<string, unknown>, scope: FilterScope) {
  const words: Record<string, unknown> = {
    $me: scope.me.id,
    $now: new Date(scope.now).toISOString(),
    $today: dayOf(scope.now, scope.zone),
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, words[String(value)] ?? value]),
  );
}

/** "$record" and "$record.account" in a filter, of the record at hand. */
function placed(tree: unknown, row: Rec | undefined): unknown {
  if (Array.isArray(tree)) return tree.map((one) => placed(one, row));
  if (typeof tree === "object" && tree) {
    return Object.fromEntries(Object.entries(tree).map(([key, one]) => [key, placed(one, row)]));
  }
  const found = typeof tree === "string" && /^\$record(?:\.(\w+))?$/.exec(tree);
  if (!found || !row) return tree;
  return found[1] ? (idOf(row[found[1]]) ?? null) : row.id;
}

/** The list that an action opens. */
export function addressOf(action: View, entity: string, row?: Rec): string {
  const { entity: of, view, mode, filter } = action.open ?? {};
  const query = new URLSearchParams();
  if (view) query.set("view", view);
  if (mode && mode !== "list") query.set("mode", mode);
  if (filter) query.set("f", JSON.stringify(placed(filter, row)));
  const text = query.toString();
  return `/e/${of ?? entity}${text ? `?${text}` : ""}`;
}

/** With one record, with those that are ticked, or at the head of a list with none. */
export function perform(
  action: View,
  entity: string,
  args: Record<string, unknown>,
  on: { id?: string; ids?: string[] } = {},
): Promise<Answer> {
  if (action.route) return post<Answer>(action.route, { ...args, ...on });
  return act(entity, on.id ?? "", action.name ?? "", args);
}

/** What the answer of an action means to who asked for it: told, shown, opened, downloaded. */
export function useDoing(entity: string) {
  const { t } = useI18n();
  const router = useRouter();
  const outcome = shallowRef<Outcome | null>(null);

  /** The list that the action opens, or nothing where it does something else. */
  const opened = (action: View, row?: Rec) =>
    action.open ? router.push(addressOf(action, entity, row)) : undefined;

  function done(action: View, data: Answer): void {
    const { result } = action;
    const name = action.label ?? "";
    if (result === "open" && data?.id) {
      say(t("action.opened", { name, what: String(data.name ?? data.title ?? "") }));
      void router.push(`/e/${action.of ?? entity}/${String(data.id)}`);
    } else if (result === "file" && data?.file) {
      const link = document.createElement("a");
      link.href = `/api/v1/files/${String(data.file)}`;
      link.download = "";
      link.click();
      say(t("action.done", { name }));
    } else if (result) {
      outcome.value = { action, data: data ?? {} };
    } else {
      say(t("action.done", { name }));
    }
  }

  return { outcome, opened, done };
}
