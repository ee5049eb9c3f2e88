// tile - what every tile of a dashboard is given, whatever it shows.
// SPDX-License-Identifier: MIT
import type { Entity, View } from "@/api/types";
import type { TileData } from "./useTiles";

export interface TileProps {
  entity: Entity;
  view: View;
  data: TileData;
  retry?: () => unknown;
}

/** A column of a tile's table: what stands above it, and whether numbers stand in it. */
export interface TileColumn {
  label: string;
  num?: boolean;
}

/** A row of it, as text; `to` is the list or the record behind it. */
export interface TileRow {
  key: string | number;
  cells: string[];
  to?: string;
  mine?: boolean;
}
