// fields - fields of forms of our own, as AdminForm takes them.
// SPDX-License-Identifier: MIT
import type { Field } from "@/api/types";

export const formField = (
  name: string,
  type: string,
  label: string,
  more: Partial<Field> = {},
): Field => ({ name, type, label, operators: [], ...more });

export const optionsOf = (all: { value: string; label: string }[]) =>
  all.map((one) => ({ ...one, active: true }));
