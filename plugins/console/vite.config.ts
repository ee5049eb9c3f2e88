// vite.config - how the console is bundled; scripts/build runs it through build.mjs.
// SPDX-License-Identifier: MIT
import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

// A list is there after few requests: what every screen needs is one file, the controls of fields
// a second, the list a third. Screens that come later bring only their own.
const FIELDS = "widgets/(?!element|Pick|Plugin)|record/(actions|ActionDialog|around|people|useForm)";
const groups = [
  { name: "app", test: /node_modules\/(vue|@vue|pinia|vue-router|vue-i18n|@intlify)\//, priority: 9 },
  { name: "app", test: /src\/(api|logic|stores|styles\/base|ui|shell\/(Shell|Nav|state))/, priority: 8 },
  { name: "fields", test: new RegExp(`src/(${FIELDS})`), priority: 7 },
  { name: "list", test: /src\/(grid|pages\/List)/, priority: 6 },
  { name: "record", test: /src\/(record|pages\/Record)/, priority: 5 },
];

export default defineConfig({
  plugins: [vue()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: true,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_JIT_COMPILATION__: true,
    __INTLIFY_DROP_MESSAGE_COMPILER__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      input: ["index.html", "form.html", "rate.html"],
      output: { codeSplitting: { groups } },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
  test: { environment: "happy-dom", include: ["tests/**/*.test.ts"], pool: "threads" },
});
