// state - what of the shell is open, so that any screen can open it, and what was made there.
// SPDX-License-Identifier: MIT
import { reactive, shallowReactive } from "vue";
import type { Command } from "./commands";

/** A record that was made here a moment ago: what shows its kind reads anew without asking. */
export interface Made {
  entity: string;
  id: string;
  version: number;
}

const state = reactive({
  palette: false,
  typed: "", // for the palette, before it is there
  awaits: false, // letters are for the palette that is on its way
  keys: false,
  quick: "", // the entity that is being made
  preset: {} as Record<string, unknown>,
  made: null as Made | null,
});

export const useShell = () => state;

/** The record that is open, and what can be done with it: for the palette. */
export const here = shallowReactive({ title: "", commands: [] as Command[] });

export function quickCreate(entity: string, preset: Record<string, unknown> = {}): void {
  state.preset = preset;
  state.quick = entity;
}

/** Is this change the making of what was made here? Then it is no news. */
export const isMadeHere = (change: { id: string; version?: number }): boolean =>
  state.made?.id === change.id && (change.version ?? Infinity) <= state.made.version;
