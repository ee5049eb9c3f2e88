// audit - what is asked of the two logs, as an address and as parameters of the server.
// SPDX-License-Identifier: MIT
export interface AuditAsked {
  action: string;
  actor: string;
  entity: string;
  record: string;
  from: string;
  to: string;
}

const NAMES = ["action", "actor", "entity", "record", "from", "to"] as const;

export function askedOf(query: Record<string, string | undefined>): AuditAsked {
  return Object.fromEntries(
    NAMES.map((name) => [name, query[name] ?? ""]),
  ) as unknown as AuditAsked;
}

/** Groups of events by how their names begin. */
export const ACTION_GROUPS = [
  ...["signin.*", "password.*", "mfa.*", "user.*", "role.*", "department.*", "plugin.*"],
  ...["dictionary.put", "settings.change", "policy.change", "mail.*", "key.*", "export"],
  ...["unmask", "refused", "job.*", "outbox_*", "handler_*", "mailbox.*", "person.export"],
  ...["record.erase", "keys.*"],
];

/** A detail as lines of name and value; lists and objects as JSON, what is empty left out. */
export function detailLines(detail: unknown): { name: string; value: string }[] {
  if (!detail || typeof detail !== "object") return [];
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => ({
      name,
      value: typeof value === "string" ? value : JSON.stringify(value),
    }));
}
