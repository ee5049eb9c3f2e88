// useRecord - one record on its page: read, changed, moved along its path, acted upon.
// SPDX-License-Identifier: MIT
//
// Who was overtaken by somebody else (412) loses nothing: what does not touch the same fields is
// saved over theirs, what does is shown as a difference.
import { computed, type Ref, ref, shallowRef, watch } from "vue";
import { useI18n } from "vue-i18n";
import { ApiError } from "@/api/http";
import type { Entity, Field, Panel, Rec, Section, View } from "@/api/types";
import { idOf, matches, type Tree } from "@/logic/filter";
import { differences, missingFor, nextStates } from "@/logic/form";
import { isReference } from "@/logic/format";
import { viewOf } from "@/logic/liststate";
import { loadEntity } from "@/stores/meta";
import { rowTitle } from "./people";
import { remember } from "@/stores/own";
import { say } from "@/ui/toast";
import { useScope } from "@/widgets/locale";
import { actionsAt, type Asking, askedAgain, byOrder, isEnabled } from "./actions";
import { read, update } from "./actions";
import { filled, perform, useDoing } from "./doing";
import { type Step, stepsOf } from "./steps";
import type { Conflict } from "./useForm";

const PANELS = 6; // of an entity without a page: its first relations

export function useRecord(name: string, id: Ref<string>) {
  const { t } = useI18n();
  const scopeOf = useScope();
  const entity = shallowRef<Entity>();
  const record = shallowRef<Rec>();
  const failed = ref<unknown>(null);
  const moved = ref(false);
  const tick = ref(0); // something happened around the record: timeline and panels ask again
  const acting = shallowRef<Asking | null>(null);
  const { outcome, opened, done } = useDoing(name);
  const conflict = shallowRef<(Conflict & { mine: Record<string, unknown> }) | null>(null);

  const page = computed(() => entity.value && viewOf(entity.value, "page"));
  const fields = computed(() => new Map(entity.value?.fields.map((field) => [field.name, field])));
  const known = (names: string[]): Field[] =>
    names.flatMap((one) => fields.value.get(one) ?? []);
  const title = computed(
    () => rowTitle(entity.value, record.value) || id.value,
  );
  const pathField = computed(() =>
    fields.value.get(page.value?.path?.field ?? entity.value?.stage ?? ""),
  );
  const facts = computed(() =>
    known(page.value?.header?.facts ?? []).filter((one) => one !== pathField.value),
  );
  const sections = computed<Section[]>(() => {
    if (page.value?.left?.sections) return page.value.left.sections;
    const own = (entity.value?.fields ?? []).filter((field) => !field.system);
    return [{ id: "section.all", cells: own.map((field) => field.name) }];
  });
  const isShown = (one: { visible_when?: Tree }) =>
    !one.visible_when || matches(one.visible_when, record.value ?? {}, scopeOf(name));
  const tabs = computed(() => {
    const declared = (page.value?.main?.tabs ?? []).filter((one) => one.widget && isShown(one));
    const history = { id: "tab.history", label: t("record.history"), widget: "history" };
    return declared.length ? declared : [history];
  });
  const panels = computed<Panel[]>(() => {
    if (page.value?.panels) return page.value.panels.filter(isShown);
    return (entity.value?.relations ?? [])
      .slice(0, PANELS)
      .map((one) => ({ ...one, id: one.relation, columns: [] }));
  });
  const enabledAt = (...places: string[]) => {
    if (!entity.value || !record.value) return [];
    const all = places.flatMap((place) => actionsAt(entity.value!, place));
    return byOrder(all).filter((action) => isEnabled(action, record.value!, scopeOf(name)));
  };
  const hasComposer = computed(() => tabs.value.some((one) => one.widget === "timeline"));
  const isComposed = (action: View) => hasComposer.value && action.composes;
  const all = computed(() => enabledAt("record", "row"));
  const actions = computed(() => all.value.filter((one) => !isComposed(one)));
  /** Found in the palette alone. */
  const rare = computed(() => [...enabledAt("palette"), ...all.value.filter(isComposed)]);
  const steps = shallowRef<Step[]>([]); // of a path whose states are records
  const states = computed(() => {
    const field = pathField.value;
    if (!field || !record.value) return [];
    const now = idOf(record.value[field.name]);
    if (isReference(field)) {
      const may = entity.value!.rights.update && !field.readonly;
      return steps.value.map((step) => {
        const isNow = step.value === now;
        return { ...step, isNow, can: may && !isNow };
      });
    }
    const next = new Set(nextStates(field, now));
    const can = entity.value!.rights.update && !field.readonly;
    return (field.options ?? [])
      .filter((option) => option.active || option.value === now)
      .map((option) => ({
        ...option,
        isNow: option.value === now,
        can: can && next.has(option.value),
      }));
  });

  watch([record, pathField], async ([now, field]) => {
    if (!now || !field || !isReference(field)) return;
    steps.value = await stepsOf(entity.value!, field, now);
  });

  async function load() {
    failed.value = null;
    moved.value = false;
    try {
      entity.value = await loadEntity(name);
      record.value = await read(entity.value, id.value);
      document.title = `${title.value} · Perigee`;
      remember({ to: `/e/${name}/${id.value}`, text: title.value, note: entity.value.label });
      tick.value++;
    } catch (error) {
      failed.value = error;
    }
  }

  async function change(values: Record<string, unknown>) {
    const before = record.value!;
    try {
      await update(name, before, values);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412) throw error;
      const theirs = await read(entity.value!, id.value);
      const both = differences(before, values, theirs);
      record.value = theirs;
      if (both.length) {
        conflict.value = { theirs, differences: both, mine: values };
        return;
      }
      await update(name, theirs, values);
    }
    say(t("saved"));
    await load();
  }

  /** After a difference was shown: of which fields mine stays. */
  async function settle(mine: Record<string, boolean>) {
    const now = conflict.value!;
    conflict.value = null;
    const kept = Object.entries(now.mine).filter(
      ([field]) => mine[field] || !now.differences.some((one) => one.field === field),
    );
    if (kept.length) await change(Object.fromEntries(kept));
    else await load();
  }

  async function moveTo(state: string) {
    const field = pathField.value!;
    const to = states.value.find((one) => one.value === state)?.label ?? state;
    const move = { field: field.name, name: `move:${state}`, label: t("record.move", { to }) };
    const missing = missingFor(field, state, record.value!);
    if (missing.length) {
      const asked = known(missing).map((one) => ({ ...one, required: true }));
      const params = asked.map((one) => ({ ...one, entity: one.ref?.entity }));
      acting.value = { kind: "action", name: move.name, label: move.label, params };
      return;
    }
    try {
      await change({ [field.name]: state });
    } catch (cause) {
      const again = askedAgain(cause, entity.value!, record.value!, move);
      if (!again) throw cause;
      acting.value = again;
    }
  }

  function start(action: View) {
    if (action.open) return opened(action, record.value);
    if (action.dialog || action.confirm || action.params?.length) acting.value = action;
    else return run(action, {});
  }

  async function run(action: View, args: Record<string, unknown>) {
    const move = /^move:(.*)$/.exec(action.name ?? "");
    if (move) return change({ ...args, [pathField.value!.name]: move[1] });
    if (action.values) return change({ ...filled(action.values, scopeOf(name)), ...args });
    done(action, await perform(action, name, args, { id: id.value }));
    if (action.result !== "open") await load();
  }

  return {
    entity, record, failed, moved, tick, acting, outcome, conflict, page, title, facts, fields,
    known, pathField, sections, tabs, panels, actions, rare, states, load, change, settle, moveTo,
    start, run,
  };
}

export type RecordPage = ReturnType<typeof useRecord>;
