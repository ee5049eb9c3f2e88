// clash - values as people read them where two have changed the same thing.
// SPDX-License-Identifier: MIT
export interface Shown {
  label: string;
  before: string;
  mine: string;
  theirs: string;
}

const LONG = 400;

/** Plain text for what may be anything; a reference is its title. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null || value === "") return "";
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) {
    return value.join(", ");
  }
  const named = value as { title?: string; name?: string };
  const title = typeof value === "object" && "id" in value && (named.title ?? named.name);
  const text = title || (typeof value === "string" ? value : JSON.stringify(value));
  return text.length > LONG ? `${text.slice(0, LONG)}…` : text;
}
