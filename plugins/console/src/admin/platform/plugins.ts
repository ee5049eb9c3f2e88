// plugins - plugins as administration reads them.
// SPDX-License-Identifier: MIT
import type { Field, Param } from "@/api/types";
import { paramField } from "@/record/actions";

/** What it can be set to has words of its own. */
export type Setting = Omit<Param, "options"> & { options?: Choice[]; widget?: string };
type Choice = { value: string; label: string };

export interface Plugin {
  id: string;
  title: string;
  summary: string;
  version: string;
  layer: "product" | "industry" | "tenant";
  state: "enabled" | "disabled";
  why: string | null;
  paused: number;
  set_aside: boolean;
  requires: Record<string, string>;
  required_by: string[];
  settings: Setting[];
  warnings: string[];
}

/** An id in an address: "acme.sales" would be taken for a file that is not there. */
export const addressOf = (id: string) => id.replaceAll(".", "~");
export const idIn = (address: string) => address.replaceAll("~", ".");

/** A setting as a field, so that the same controls ask for it. */
export function settingField(setting: Setting, roles: Choice[] = []): Field {
  if (setting.widget === "role" && roles.length)
    return settingField({ ...setting, type: "enum", options: roles, widget: undefined });
  const people = ["user", "team", "department"].includes(setting.type);
  const plain = setting.type === "department" ? "ref" : setting.type;
  const { options, ...rest } = setting;
  const values = options ?? setting.values;
  const field = paramField({ ...rest, values, label: setting.label ?? setting.name });
  return { ...field, type: plain, ...(people ? { ref: { entity: setting.type } } : {}) };
}

/** What of the form is sent: a secret that was not typed anew stays as it is. */
export function settingsBody(
  settings: Pick<Param, "name" | "type">[],
  values: Record<string, unknown>,
) {
  return Object.fromEntries(
    settings
      .filter((one) => one.type !== "secret" || values[one.name])
      .map((one) => {
        const value = values[one.name];
        if (value === undefined || value === "") return [one.name, null];
        return [
          one.name,
          one.type === "int" && /^-?\d+$/.test(String(value)) ? Number(value) : value,
        ];
      }),
  );
}

export const needsCare = (plugin: Plugin) =>
  Boolean(plugin.why || plugin.set_aside || plugin.paused || plugin.warnings.length);

/** Those that need care first, then what runs, each by name. */
export function inOrder(all: Plugin[]): Plugin[] {
  const weight = (one: Plugin) => (needsCare(one) ? 0 : one.state === "enabled" ? 1 : 2);
  return [...all].sort((a, b) => weight(a) - weight(b) || a.title.localeCompare(b.title));
}
