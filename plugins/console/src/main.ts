// main - starts the console.
// SPDX-License-Identifier: MIT
import "./styles/tokens.css";
import "./styles/base.css";
import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./App.vue";
import { ApiError, http } from "./api/http";
import { makeRouter } from "./router";
import { resumePreview } from "./stores/preview";
import { useSession } from "./stores/session";
import { useSettings } from "./stores/settings";
import { i18n } from "./texts";
import { tellCut } from "./ui/cut";
import { sayError } from "./ui/toast";

document.addEventListener("mouseover", tellCut, { passive: true });

async function start() {
  const app = createApp(App);
  app.use(createPinia()).use(i18n);
  const settings = useSettings();
  const session = useSession();
  resumePreview();
  await settings.setLang(settings.settings.lang);
  try {
    if (await session.resume()) await session.load();
  } catch (error) {
    sayError(error);
  }
  const router = makeRouter();
  const leave = () => {
    session.end();
    void router.push({ name: "login", query: { to: router.currentRoute.value.fullPath } });
  };
  http.onSignedOut = async () => {
    const how = session.boot && !session.due ? await session.askAgain() : "leave";
    if (how === "leave" && (session.boot || session.due)) leave();
    return how === "on";
  };
  app.config.errorHandler = (error) => {
    sayError(error);
    if (!(error instanceof ApiError)) reportError(error);
  };
  app.use(router).mount("#app");
}

void start();
