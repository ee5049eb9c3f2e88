// steps - what somebody does on their first days, by what they may do; each leads to its place.
// SPDX-License-Identifier: MIT

export interface Can {
  admin: string[]; // areas of administration
  may: (entity: string, right: string) => boolean;
}

export interface FirstStep {
  id: string;
  icon: string;
  to?: string; // a place
  does?: "search" | "keys"; // or something that opens here
  make?: string; // or a record of that entity
}

const ADMIN: (FirstStep & { area: string })[] = [
  { id: "company", area: "settings", icon: "building", to: "/admin/settings" },
  { id: "people", area: "users", icon: "user-plus", to: "/admin/users" },
  { id: "plugins", area: "plugins", icon: "plug", to: "/admin/plugins" },
  { id: "fields", area: "fields", icon: "edit", to: "/admin/fields" },
];
const FIRST = ["lead", "account", "member", "ticket"]; // what work begins with
const MOST = 6;

/** The ones for this person, in the order of doing them. */
export function stepsFor({ admin, may }: Can): FirstStep[] {
  const own: FirstStep[] = ADMIN.filter((one) => admin.includes(one.area));
  const imports = FIRST.find((one) => may(one, "import"));
  const makes = FIRST.find((one) => may(one, "create"));
  const lists = FIRST.find((one) => may(one, "read"));
  if (imports) own.push({ id: "import", icon: "upload", to: `/import/${imports}` });
  if (makes) own.push({ id: "make", icon: "plus-circle", make: makes });
  if (lists) own.push({ id: "view", icon: "list", to: `/e/${lists}` });
  own.push(
    { id: "search", icon: "search", does: "search" },
    { id: "me", icon: "settings", to: "/me" },
    { id: "help", icon: "book-open", to: "/help" },
  );
  return own.slice(0, MOST);
}
