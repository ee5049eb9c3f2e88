// state - what of the shell is open, so that any screen can open it.
// SPDX-License-Identifier: MIT
import { reactive } from "vue";

const state = reactive({
  palette: false,
  keys: false,
  quick: "", // the entity that is being made
  preset: {} as Record<string, unknown>,
});

export const useShell = () => state;

export function quickCreate(entity: string, preset: Record<string, unknown> = {}): void {
  state.preset = preset;
  state.quick = entity;
}
