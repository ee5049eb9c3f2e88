// areas - the screens of administration, in their groups, and who may enter which.
// SPDX-License-Identifier: MIT
import { type Component, defineAsyncComponent } from "vue";

export interface Area {
  id: string;
  right: string; // area of the server's permissions
  icon: string;
  screen: Component;
  /** What `/admin/<area>/<item>` shows instead of the list. */
  item?: Component;
}

export interface AreaGroup {
  id: string;
  areas: Area[];
}

const lazy = (load: () => Promise<Component>) => defineAsyncComponent(load as never) as Component;

export const GROUPS: AreaGroup[] = [
  {
    id: "people",
    areas: [
      {
        id: "users",
        right: "users",
        icon: "people",
        screen: lazy(() => import("./people/Users.vue")),
      },
      {
        id: "departments",
        right: "users",
        icon: "building",
        screen: lazy(() => import("./people/Departments.vue")),
      },
      {
        id: "roles",
        right: "roles",
        icon: "shield",
        screen: lazy(() => import("./people/Roles.vue")),
        item: lazy(() => import("./people/RoleEditor.vue")),
      },
    ],
  },
  {
    id: "model",
    areas: [
      {
        id: "entities",
        right: "fields",
        icon: "box",
        screen: lazy(() => import("./model/Entities.vue")),
        item: lazy(() => import("./model/EntityEditor.vue")),
      },
      {
        id: "fields",
        right: "fields",
        icon: "columns",
        screen: lazy(() => import("./model/Fields.vue")),
        item: lazy(() => import("./model/Fields.vue")),
      },
      {
        id: "layouts",
        right: "fields",
        icon: "board",
        screen: lazy(() => import("./model/Layouts.vue")),
        item: lazy(() => import("./model/Layouts.vue")),
      },
      {
        id: "views",
        right: "fields",
        icon: "list",
        screen: lazy(() => import("./model/Views.vue")),
        item: lazy(() => import("./model/Views.vue")),
      },
      {
        id: "menus",
        right: "fields",
        icon: "menu",
        screen: lazy(() => import("./model/Menus.vue")),
      },
      {
        id: "dashboards",
        right: "fields",
        icon: "gauge",
        screen: lazy(() => import("./model/Dashboards.vue")),
        item: lazy(() => import("./model/DashboardEditor.vue")),
      },
      {
        id: "dictionaries",
        right: "dictionaries",
        icon: "book",
        screen: lazy(() => import("./model/Dictionaries.vue")),
        item: lazy(() => import("./model/Dictionary.vue")),
      },
      {
        id: "templates",
        right: "fields",
        icon: "edit",
        screen: lazy(() => import("./model/Templates.vue")),
      },
      {
        id: "publish",
        right: "fields",
        icon: "upload",
        screen: lazy(() => import("./model/Publish.vue")),
      },
    ],
  },
  {
    id: "platform",
    areas: [
      {
        id: "plugins",
        right: "plugins",
        icon: "plug",
        screen: lazy(() => import("./platform/Plugins.vue")),
        item: lazy(() => import("./platform/Plugin.vue")),
      },
      {
        id: "outbox",
        right: "plugins",
        icon: "send",
        screen: lazy(() => import("./platform/Outbox.vue")),
      },
      {
        id: "handlers",
        right: "plugins",
        icon: "list",
        screen: lazy(() => import("./platform/Handlers.vue")),
      },
      {
        id: "jobs",
        right: "jobs",
        icon: "clock",
        screen: lazy(() => import("./platform/Jobs.vue")),
      },
      {
        id: "webhooks",
        right: "webhooks",
        icon: "link",
        screen: lazy(() => import("./platform/Webhooks.vue")),
        item: lazy(() => import("./platform/Webhook.vue")),
      },
      {
        id: "keys",
        right: "api-keys",
        icon: "lock",
        screen: lazy(() => import("./platform/Keys.vue")),
      },
    ],
  },
  {
    id: "company",
    areas: [
      {
        id: "settings",
        right: "settings",
        icon: "settings",
        screen: lazy(() => import("./company/Settings.vue")),
      },
      {
        id: "mail",
        right: "settings",
        icon: "mail",
        screen: lazy(() => import("./company/Mail.vue")),
      },
      {
        id: "mailboxes",
        right: "settings",
        icon: "inbox",
        screen: lazy(() => import("./company/Mailboxes.vue")),
      },
      {
        id: "privacy",
        right: "privacy",
        icon: "user",
        screen: lazy(() => import("./company/Privacy.vue")),
      },
      {
        id: "audit",
        right: "audit",
        icon: "history",
        screen: lazy(() => import("./company/Audit.vue")),
      },
    ],
  },
];

export function groupsFor(rights: string[]): AreaGroup[] {
  return GROUPS.map((group) => ({
    ...group,
    areas: group.areas.filter((area) => rights.includes(area.right)),
  })).filter((group) => group.areas.length);
}
