// useCalendar - the records of the days that are shown, and moving one to another day.
// SPDX-License-Identifier: MIT
import { computed, onBeforeUnmount, type Ref, ref, shallowRef, watch } from "vue";
import { useI18n } from "vue-i18n";
import { onChange } from "@/api/events";
import { ApiError, post } from "@/api/http";
import type { Entity, Field, Page, Rec, View } from "@/api/types";
import { type Asked, queryOfList } from "@/grid/useList";
import { dayFor, moveTo, rangeOf } from "@/logic/calendar";
import { titleOf } from "@/logic/format";
import { update } from "@/record/actions";
import { useSession } from "@/stores/session";
import { say, sayError } from "@/ui/toast";

export const SHOWN_MAX = 200;

export interface CalendarProps {
  entity: Entity;
  view: View;
  asked: Asked;
}

export function useCalendar(props: CalendarProps, days: Ref<string[]>) {
  const { t } = useI18n();
  const session = useSession();
  const rows = shallowRef<Rec[]>([]);
  const busy = ref(true);
  const failed = shallowRef<unknown>(null);
  const capped = ref(false);
  const dragging = ref(false);
  const zone = computed(() => session.zone);
  const fieldOf = (name?: string) => props.entity.fields.find((one) => one.name === name);
  const field = computed<Field | undefined>(() => fieldOf(props.view.fields?.[0]));
  const lines = computed(() => (props.view.card?.lines ?? []).flatMap((one) => fieldOf(one) ?? []));
  const titleName = computed(() => props.view.card?.title ?? props.entity.title ?? "name");
  const canMove = computed(() =>
    Boolean(
      props.entity.rights.update && field.value && !field.value.readonly && !field.value.system,
    ),
  );
  const byDay = computed(() => {
    const out = new Map<string, Rec[]>(days.value.map((one) => [one, []]));
    for (const row of rows.value) out.get(dayFor(row[field.value!.name], zone.value))?.push(row);
    return out;
  });

  function body(name: string) {
    const [from, to] = rangeOf(days.value, zone.value);
    const last = days.value[days.value.length - 1];
    const range =
      field.value?.type === "date"
        ? { [name]: { between: [days.value[0], last] } }
        : { and: [{ [name]: { gte: from } }, { [name]: { lt: to } }] };
    const { filter, q } = queryOfList(props.asked);
    const wanted = [titleName.value, name, ...lines.value.map((one) => one.name)];
    const stage = props.entity.stage;
    const fields = [...new Set([...wanted, ...(stage ? [stage] : [])])].filter(fieldOf);
    return {
      q,
      filter: filter ? { and: [filter, range] } : range,
      sort: name,
      fields: ["id", "version", ...fields].join(","),
      limit: SHOWN_MAX,
    };
  }

  async function load() {
    if (!field.value) return;
    busy.value = true;
    failed.value = null;
    try {
      const path = `/records/${props.entity.name}/query`;
      const page = await post<Page>(path, body(field.value.name), { reads: true });
      rows.value = page.items;
      capped.value = Boolean(page.next);
    } catch (error) {
      failed.value = error;
    } finally {
      busy.value = false;
    }
  }

  /** It is where it was dropped at once, and goes back where the server refuses. */
  async function move(id: string, to: string) {
    const row = rows.value.find((one) => one.id === id);
    const name = field.value?.name;
    if (!row || !name || !canMove.value || dayFor(row[name], zone.value) === to) return;
    const before = rows.value;
    const value = moveTo(row[name], to, zone.value);
    const put = (next: Partial<Rec>) =>
      (rows.value = rows.value.map((one) => (one.id === id ? { ...one, ...next } : one)));
    put({ [name]: value });
    try {
      const saved = await update(props.entity.name, row, { [name]: value });
      put({ version: saved.version });
      say(t("calendar.moved", { name: titleOf(row[titleName.value]), day: to }));
    } catch (error) {
      rows.value = before;
      if (error instanceof ApiError && error.status === 412) {
        await load();
        say(t("list.moved"), { tone: "error" });
      } else sayError(error);
    }
  }

  const stop = onChange((change) => {
    if ((!change || change.entity === props.entity.name) && !dragging.value) void load();
  });
  onBeforeUnmount(stop);
  watch(() => JSON.stringify([days.value, props.asked.state, props.view.name]), load, {
    immediate: true,
  });
  return {
    rows, busy, failed, capped, dragging, zone, field, lines, titleName, canMove, byDay, load, move,
  };
}
