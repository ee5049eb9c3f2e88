// useCase - one approval: what was handed in, who has decided, and what may be done by whom.
// SPDX-License-Identifier: MIT
import { computed, onBeforeUnmount, type Ref, ref, shallowRef, watch } from "vue";
import { useI18n } from "vue-i18n";
import { onChange } from "@/api/events";
import { ApiError } from "@/api/http";
import type { Entity, Field, View } from "@/api/types";
import { idOf } from "@/logic/filter";
import { isEmpty, titleOf } from "@/logic/format";
import { act, actionsAt } from "@/record/actions";
import { userName } from "@/record/people";
import { loadEntity } from "@/stores/meta";
import { useSession } from "@/stores/session";
import { say } from "@/ui/toast";
import { type Case, caseFor } from "./cases";

const OWN = new Set(["withdraw", "urge", "revoke"]);

export interface Line {
  field: Field;
  value: unknown;
  before?: unknown;
  isChanged: boolean;
  isStale: boolean; // has changed since it was handed in
}

/** What was handed in: first what has changed since the last approval, then the rest. */
export function linesOf(subject: Entity | undefined, now: Case | undefined): Line[] {
  const { snapshot = {}, changes = {}, since = {} } = now ?? {};
  const again = Object.values(changes).some((one) => !isEmpty(one.from));
  const all = (subject?.fields ?? [])
    .filter((field) => !field.system && !isEmpty(snapshot[field.name]))
    .map((field) => ({
      field,
      value: snapshot[field.name],
      before: again ? changes[field.name]?.from : undefined,
      isChanged: again && field.name in changes,
      isStale: field.name in since,
    }));
  return [...all.filter((one) => one.isChanged), ...all.filter((one) => !one.isChanged)];
}

export function useCase(id: Ref<string>) {
  const { t } = useI18n();
  const session = useSession();
  const now = shallowRef<Case>();
  const subject = shallowRef<Entity>(); // what the case is about
  const actions = shallowRef<{ task: View[]; case: View[] }>({ task: [], case: [] });
  const failed = ref<unknown>(null);
  const absent = computed(() => failed.value instanceof ApiError && failed.value.status === 404);
  const acting = shallowRef<{ action: View; entity: string; id: string } | null>(null);
  const me = computed(() => session.boot!.user.id);
  const mine = computed(() =>
    now.value?.approval.state === "running"
      ? now.value.decisions.find((one) => one.owner === me.value && one.state === "open")
      : undefined,
  );
  const isSubmitter = computed(() => String(idOf(now.value?.approval.submitter)) === me.value);
  const about = computed(() => now.value?.approval.about as { entity: string; id: string } | null);
  const lines = computed(() => linesOf(subject.value, now.value));
  const submitter = computed(() => {
    const who = now.value?.approval.submitter;
    return typeof who === "object" ? titleOf(who) : userName(who ? String(who) : null);
  });
  const nodes = computed(() => {
    const path = (now.value?.approval.path ?? []) as { id: string; name?: string }[];
    const at = Number(now.value?.approval.at ?? 0);
    return path.slice(0, Math.max(0, at - 1)).map((one) => ({
      value: one.id,
      label: one.name ?? one.id,
      active: true,
    }));
  });

  async function load() {
    failed.value = null;
    try {
      now.value = await caseFor(id.value);
      document.title = `${now.value.title} · Perigee`;
      const [task, own] = await Promise.all([loadEntity("approval_task"), loadEntity("approval")]);
      actions.value = { task: actionsAt(task, "record"), case: actionsAt(own, "record") };
      if (about.value) subject.value = await loadEntity(about.value.entity).catch(() => undefined);
    } catch (error) {
      failed.value = error;
    }
  }

  const decide = computed(() => {
    if (!mine.value) return [];
    return actions.value.task.filter((one) => one.name !== "reroute");
  });
  const own = computed(() =>
    actions.value.case.filter((one) => {
      if (!OWN.has(one.name ?? "") || !isSubmitter.value) return false;
      const state = now.value?.approval.state;
      return one.name === "revoke" ? state === "approved" : state === "running";
    }),
  );
  const named = (name: string) => decide.value.find((one) => one.name === name);
  const others = computed(() =>
    decide.value.filter((one) => !["approve", "reject"].includes(one.name ?? "")),
  );

  /** Sending back asks for one of the nodes before, or for who handed it in. */
  function start(action: View, entity: string, target: string) {
    if (action.name === "send_back") {
      const params = (action.params ?? []).map((one) =>
        one.name === "to"
          ? { ...one, type: "enum", values: nodes.value, placeholder: t("approvals.to_submitter") }
          : one,
      );
      acting.value = { action: { ...action, params }, entity, id: target };
      return;
    }
    const asks = { ...action, confirm: action.confirm ?? (action.params ? undefined : t("sure")) };
    acting.value = { action: asks, entity, id: target };
  }

  async function run(args: Record<string, unknown>) {
    const { action, entity, id: target } = acting.value!;
    await act(entity, target, action.name ?? "", args);
    say(t("action.done", { name: action.label ?? "" }));
    await load();
  }

  const stop = onChange((change) => {
    const own = change?.entity === "approval" && change.id === id.value;
    if ((own || change?.entity === "approval_task") && !acting.value) void load();
  });
  onBeforeUnmount(stop);
  watch(id, load, { immediate: true });
  return {
    now,
    subject,
    failed,
    absent,
    acting,
    mine,
    about,
    lines,
    submitter,
    own,
    named,
    others,
    load,
    start,
    run,
  };
}
