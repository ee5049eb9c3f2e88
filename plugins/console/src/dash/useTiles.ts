// useTiles - what the tiles of a dashboard show: asked for together, a part at a time.
// SPDX-License-Identifier: MIT
import { ref, type Ref, shallowRef } from "vue";
import { ApiError, post } from "@/api/http";
import type { Page } from "@/api/types";
import type { Aim, Tile } from "@/logic/dashboard";
import type { ReportData } from "@/logic/report";

export type TileData = ReportData & Partial<Page> & { aim?: ReportData };

/** One question of a tile: what it shows, or what is to be reached. */
type Question = { key: string; isAim: boolean } & Aim;

const questionsOf = ({ key, entity, view, aim }: Tile): Question[] => [
  { key, isAim: false, entity, query: view.query ?? {} },
  ...(aim ? [{ key, isAim: true, ...aim }] : []),
];
const PER_CALL = 20;
const STATUS: Record<string, number> = { forbidden: 403, not_found: 404, validation_failed: 422 };

/** One of several queries failed: as if it had been asked for by itself. */
function withError(result: TileData): TileData {
  const { code, message, fields } = (result.error ?? {}) as Partial<ApiError>;
  if (!code || !message) return result;
  return { ...result, error: new ApiError(STATUS[code] ?? 0, code, message, fields) };
}

export function useTiles(tiles: Ref<Tile[]>) {
  const data = shallowRef(new Map<string, TileData>());
  const at = ref("");
  const busy = ref(true);
  const failed = shallowRef<unknown>(null);
  let turn = 0;

  async function ask() {
    const own = ++turn;
    busy.value = true;
    failed.value = null;
    try {
      const next = new Map<string, TileData>();
      const all = tiles.value.flatMap(questionsOf);
      for (let i = 0; i < all.length; i += PER_CALL) {
        const part = all.slice(i, i + PER_CALL);
        const queries = part.map(({ entity, query }) => ({ entity: entity.name, ...query }));
        const body = { queries };
        const answer = await post<{ results: TileData[] }>("/queries", body, { reads: true });
        if (own !== turn) return;
        part.forEach(({ key, isAim }, n) => {
          const result = withError(answer.results[n]);
          next.set(key, isAim ? { ...next.get(key), aim: result } : result);
        });
      }
      data.value = next;
      at.value = new Date().toISOString();
    } catch (error) {
      if (own === turn) failed.value = error;
    } finally {
      if (own === turn) busy.value = false;
    }
  }

  return { data, at, busy, failed, ask };
}
