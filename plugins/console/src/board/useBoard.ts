// useBoard - the columns of a board: read a page at a time, cards moved and taken back.
// SPDX-License-Identifier: MIT
//
// A column is a value of an enum or a state, or a record, such as a stage: then all that a card can
// be put into stand there in their order, also those without a card.
import { computed, onBeforeUnmount, ref, shallowRef, watch } from "vue";
import { useI18n } from "vue-i18n";
import { onChange } from "@/api/events";
import { ApiError, post } from "@/api/http";
import type { Entity, Rec, View } from "@/api/types";
import { type Asked, queryOfList } from "@/grid/useList";
import { fieldsIn, type Tree } from "@/logic/filter";
import { missingFor, nextStates, plain } from "@/logic/form";
import { isReference, titleOf } from "@/logic/format";
import { type Asking, askedAgain, update } from "@/record/actions";
import { lanesOf, type Step } from "@/record/steps";
import { isMadeHere, useShell } from "@/shell/state";
import { say, sayError } from "@/ui/toast";

export interface BoardColumn {
  value: string | null;
  count: number;
  sum: unknown;
  items: Rec[];
  next: string | null;
}

interface BoardAnswer {
  columns: BoardColumn[];
  titles?: Record<string, string>;
}

export interface BoardProps {
  entity: Entity;
  view: View;
  asked: Asked;
}

const PAGE = 20;

export function useBoard(props: BoardProps, drawn: () => Promise<void>) {
  const { t } = useI18n();
  const columns = ref<BoardColumn[]>([]);
  const titles = shallowRef<Record<string, string>>({}); // of columns that are records
  const lanes = shallowRef<Step[]>([]); // the same, in their order
  const busy = ref(true);
  const error = shallowRef<unknown>(null);
  const stale = ref(false); // something was changed elsewhere
  const asking = shallowRef<{ action: Asking; row: Rec; to: string } | null>(null);
  const own = new Map<string, number>(); // versions that were saved here: no news

  const fieldOf = (name?: string) => props.entity.fields.find((one) => one.name === name);
  const field = computed(() => fieldOf(props.view.group_by)!);
  const card = computed(() => props.view.card ?? {});
  const lines = computed(() => (card.value.lines ?? []).flatMap((name) => fieldOf(name) ?? []));
  const badge = computed(() => fieldOf(card.value.badge));
  const titleName = computed(() => card.value.title ?? props.entity.title ?? "name");
  const canMove = computed(() => props.entity.rights.update && !field.value.readonly);
  const isRecord = computed(() => isReference(field.value));
  const laneOf = (value: string | null) => lanes.value.find((one) => one.value === value);
  const optionOf = (value: string | null) =>
    field.value.options?.find((one) => one.value === value);
  const toneOf = (value: string | null) => (laneOf(value) ?? optionOf(value))?.tone;
  const labelOf = (value: string | null) => {
    const known = optionOf(value)?.label ?? titles.value[String(value)] ?? laneOf(value)?.label;
    return known ?? value ?? t("none");
  };
  const stateOf = (row: Rec) => String(plain(row[field.value.name]) ?? "");
  const nameOf = (row: Rec) => titleOf(row[titleName.value]) || row.id;
  const shown = computed(() =>
    columns.value.filter(
      (one) => one.count > 0 || laneOf(one.value) || optionOf(one.value)?.active,
    ),
  );

  function body() {
    const { filter, q } = queryOfList(props.asked);
    const asks = Object.values(field.value.requires ?? {}).flat();
    const names = [
      titleName.value,
      ...lines.value.map((one) => one.name),
      badge.value?.name,
      field.value.name,
      ...fieldsIn(card.value.stale_when as Tree | undefined),
      ...asks,
    ];
    const known = names.filter((name): name is string => Boolean(name && fieldOf(name)));
    const expand = [...new Set(known)].filter((name) => isReference(fieldOf(name)!));
    return {
      group_by: field.value.name,
      filter,
      q,
      sum: card.value.sum && fieldOf(card.value.sum) ? card.value.sum : undefined,
      fields: ["id", "version", ...new Set(known)].join(","),
      expand: expand.join(",") || undefined,
      limit: PAGE,
    };
  }

  /** In the order of the lanes, with those of the same kind that hold nothing; others behind. */
  function inLanes(all: BoardColumn[]): BoardColumn[] {
    if (!lanes.value.length) return all;
    const by = new Map(all.map((one) => [one.value, one]));
    const used = new Set(all.flatMap((one) => laneOf(one.value)?.parent ?? []));
    const empty = { count: 0, sum: null, next: null };
    const own = lanes.value
      .filter((lane) => by.has(lane.value) || !used.size || used.has(lane.parent!))
      .map((lane) => by.get(lane.value) ?? { ...empty, value: lane.value, items: [] });
    return [...own, ...all.filter((one) => !laneOf(one.value))];
  }

  async function load() {
    busy.value = true;
    error.value = null;
    stale.value = false;
    try {
      const path = `/records/${props.entity.name}/board`;
      const [answer, all] = await Promise.all([
        post<BoardAnswer>(path, body(), { reads: true }),
        isRecord.value ? lanesOf(props.entity, field.value) : [],
      ]);
      lanes.value = all;
      titles.value = answer.titles ?? {};
      columns.value = inLanes(answer.columns);
      await drawn();
    } catch (cause) {
      error.value = cause;
    } finally {
      busy.value = false;
    }
  }

  async function more(column: BoardColumn) {
    try {
      const path = `/records/${props.entity.name}/board`;
      const asked = { ...body(), column: column.value, cursor: column.next };
      const answer = await post<BoardAnswer>(path, asked, { reads: true });
      column.items.push(...answer.columns[0].items);
      column.next = answer.columns[0].next;
    } catch (cause) {
      sayError(cause);
    }
  }

  function shift(row: Rec, to: string): () => void {
    const from = columns.value.find((column) => column.items.some((one) => one.id === row.id))!;
    const target = columns.value.find((column) => column.value === to)!;
    const at = from.items.findIndex((one) => one.id === row.id);
    from.items.splice(at, 1);
    target.items.unshift(row);
    from.count--;
    target.count++;
    return () => {
      target.items = target.items.filter((one) => one.id !== row.id);
      from.items.splice(at, 0, row);
      from.count++;
      target.count--;
    };
  }

  const rowOf = (id: string) =>
    columns.value.flatMap((column) => column.items).find((one) => one.id === id);

  async function move(id: string, to: string) {
    const row = rowOf(id);
    if (!row || stateOf(row) === to) return;
    const label = labelOf(to);
    if (!targets(row).includes(to)) {
      const from = labelOf(stateOf(row));
      say(t("board.no_way", { from, to: label }), { tone: "error" });
      return;
    }
    const name = field.value.name;
    const asked = { field: name, name: "move", label: t("record.move", { to: label }) };
    const missing = missingFor(field.value, to, row).flatMap((name) => fieldOf(name) ?? []);
    if (missing.length) {
      const params = missing.map((one) => ({ ...one, required: true, entity: one.ref?.entity }));
      asking.value = { row, to, action: { kind: "action", ...asked, params } };
      return;
    }
    try {
      await send(row, to, {});
    } catch (cause) {
      const action = askedAgain(cause, props.entity, row, asked);
      if (action) asking.value = { row, to, action };
      else sayError(cause);
    }
  }

  /** The card is where it was dropped at once, and goes back if the server refuses. */
  async function send(row: Rec, to: string, values: Record<string, unknown>) {
    const undo = shift(row, to);
    try {
      const saved = await update(props.entity.name, row, { ...values, [field.value.name]: to });
      own.set(row.id, saved.version);
      Object.assign(row, { version: saved.version, [field.value.name]: to }, values);
      for (const name of fieldsIn(card.value.stale_when as Tree | undefined)) {
        if (name in saved) row[name] = saved[name];
      }
      say(t("board.moved", { name: nameOf(row), to: labelOf(to) }));
    } catch (cause) {
      undo();
      if (cause instanceof ApiError && cause.status === 412) {
        await load();
        throw new Error(t("list.moved"), { cause });
      }
      throw cause;
    }
  }

  /** Of records, such as stages, the server knows which may follow, and says where one may not. */
  function targets(row: Rec): string[] {
    const now = stateOf(row);
    const parent = laneOf(now)?.parent;
    const all = isRecord.value
      ? columns.value
          .filter((one) => parent === undefined || laneOf(one.value)?.parent === parent)
          .flatMap((one) => one.value ?? [])
      : nextStates(field.value, now);
    return all.filter((value) => value !== now);
  }

  const stop = onChange((change) => {
    if (change && change.entity !== props.entity.name) return;
    const isOwn = change && (change.version ?? Infinity) <= (own.get(change.id) ?? 0);
    if (!change || (!isOwn && !isMadeHere(change))) stale.value = true;
  });
  onBeforeUnmount(stop);
  const shell = useShell();
  watch(
    () => shell.made,
    (made) => made?.entity === props.entity.name && void load(),
  );
  watch(() => JSON.stringify([props.asked.state, props.asked.view.name]), load, {
    immediate: true,
  });

  return {
    columns: shown,
    busy,
    error,
    stale,
    asking,
    field,
    card,
    lines,
    badge,
    canMove,
    labelOf,
    toneOf,
    nameOf,
    load,
    more,
    move,
    send,
    targets,
  };
}
