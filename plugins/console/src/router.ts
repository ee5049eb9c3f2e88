// router - addresses and what they show; every screen is loaded when it is first asked for.
// SPDX-License-Identifier: MIT
import { createRouter, createWebHistory } from "vue-router";
import { useSession } from "./stores/session";
import { pageShown, watchSteps } from "./ui/sheets";

export function makeRouter() {
  watchSteps();
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      { path: "/login", name: "login", component: () => import("./pages/Login.vue") },
      { path: "/reset/:token", name: "reset", component: () => import("./pages/Reset.vue") },
      { path: "/", name: "home", component: () => import("./pages/Home.vue") },
      { path: "/e/:entity", name: "list", component: () => import("./pages/List.vue") },
      {
        path: "/e/:entity/new",
        name: "new",
        component: () => import("./pages/Edit.vue"),
      },
      { path: "/e/:entity/:id", name: "record", component: () => import("./pages/Record.vue") },
      {
        path: "/e/:entity/:id/edit",
        name: "edit",
        component: () => import("./pages/Edit.vue"),
      },
      { path: "/reports", name: "reports", component: () => import("./dash/Dashboard.vue") },
      { path: "/dash/:name", name: "dash", component: () => import("./dash/Dashboard.vue") },
      { path: "/approvals", name: "inbox", component: () => import("./approvals/Approvals.vue") },
      { path: "/approvals/:id", name: "case", component: () => import("./approvals/Case.vue") },
      { path: "/notices", name: "notices", component: () => import("./notices/Notices.vue") },
      { path: "/help/:plugin?", name: "help", component: () => import("./help/Help.vue") },
      { path: "/import/:entity", name: "import", component: () => import("./pages/Import.vue") },
      { path: "/admin/:area?/:item?", name: "admin", component: () => import("./admin/Admin.vue") },
      { path: "/jobs", name: "jobs", component: () => import("./pages/Jobs.vue") },
      { path: "/me", name: "me", component: () => import("./pages/Profile.vue") },
      { path: "/:rest(.*)*", name: "nowhere", component: () => import("./pages/Nowhere.vue") },
    ],
  });
  router.beforeEach((to) => {
    if (to.name === "login" || to.name === "reset") return true;
    const session = useSession();
    if (session.boot) return true;
    return { name: "login", query: to.fullPath === "/" ? {} : { to: to.fullPath } };
  });
  router.afterEach(pageShown);
  return router;
}
