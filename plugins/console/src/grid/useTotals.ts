// useTotals - what stands below the columns of a list, asked for where a column asks for it.
// SPDX-License-Identifier: MIT
import { computed, onBeforeUnmount, type Ref, shallowRef, watch } from "vue";
import { post } from "@/api/http";
import { formatValue, grouped } from "@/logic/format";
import { measuresFor, totalsOf } from "@/logic/totals";
import { useLocale } from "@/widgets/locale";
import { type Asked, queryOfList } from "./useList";

export interface ShownTotal {
  field: string;
  label: string;
  op: string;
  text: string;
}

/** `moves`: what is watched besides the query, such as how often the list has been read. */
export function useTotals(asked: Ref<Asked>, moves: () => unknown) {
  const locale = useLocale();
  const row = shallowRef<Record<string, unknown> | null>(null);
  const answered = shallowRef<ReadonlySet<string>>(new Set()); // the measures that it holds
  const totals = computed(() => totalsOf(asked.value.entity, asked.value.columns));
  let running: AbortController | null = null;

  async function load() {
    running?.abort();
    if (!totals.value.length) {
      row.value = null; // a column that comes back waits for its own figure
      return;
    }
    const own = new AbortController();
    running = own;
    const { filter, q } = queryOfList(asked.value);
    const wanted = totals.value;
    const body = { filter, q, measure: measuresFor(wanted) };
    try {
      const path = `/records/${asked.value.entity.name}/query`;
      const options = { signal: own.signal, reads: true };
      const answer = await post<{ groups: Record<string, unknown>[] }>(path, body, options);
      row.value = answer.groups[0] ?? {};
      answered.value = new Set(wanted.map((one) => one.measure));
    } catch {
      if (!own.signal.aborted) row.value = null; // the list says what is wrong; no old sum stays
    }
  }

  const known = computed(() => totals.value.filter((one) => answered.value.has(one.measure)));
  const shown = computed<ShownTotal[]>(() =>
    row.value
      ? known.value.map(({ field, op, measure }) => ({
          field: field.name,
          label: field.label,
          op,
          text:
            op === "count"
              ? grouped(String(row.value![measure] ?? 0))
              : formatValue(field, row.value![measure], locale.value) || "—",
        }))
      : [],
  );

  const key = () => {
    const { filter, q } = queryOfList(asked.value);
    return JSON.stringify([filter, q, measuresFor(totals.value), moves()]);
  };
  watch(key, load, { immediate: true });
  onBeforeUnmount(() => running?.abort());
  return { totals: shown, again: load };
}
