// useTools - what can be done at the head of a list: actions that need no record.
// SPDX-License-Identifier: MIT
import { computed, onBeforeUnmount, type Ref, shallowRef, watch } from "vue";
import type { Entity, View } from "@/api/types";
import { actionsAt } from "@/record/actions";
import { perform, useDoing } from "@/record/doing";
import { here } from "@/shell/state";
import { sayError } from "@/ui/toast";

export function useTools(name: string, entity: Ref<Entity | undefined>, refresh: () => unknown) {
  const { outcome, opened, done } = useDoing(name);
  const asking = shallowRef<View | null>(null);
  const tools = computed(() => (entity.value ? actionsAt(entity.value, "toolbar") : []));

  async function run(action: View, args: Record<string, unknown>) {
    done(action, await perform(action, name, args));
    if (action.result !== "open") await refresh();
  }

  function start(action: View): void {
    if (action.open) void opened(action);
    else if (action.confirm || action.params?.length) asking.value = action;
    else run(action, {}).catch(sayError);
  }

  /** The palette can do what the list's head can. */
  watch(tools, (all) => {
    here.title = all.length ? (entity.value?.label_plural ?? "") : "";
    here.commands = all.map((action) => ({
      key: `do:${action.name}`,
      icon: action.icon ?? "play",
      text: action.label ?? action.name ?? "",
      run: () => start(action),
    }));
  });
  onBeforeUnmount(() => Object.assign(here, { title: "", commands: [] }));

  return { tools, asking, outcome, run, start };
}
