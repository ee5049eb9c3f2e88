// vite.config - how the console is bundled; scripts/build runs it through build.mjs.
// SPDX-License-Identifier: MIT
import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

// A list is there after few requests: what every screen needs is one file, what the shell, a list
// and its fields need is a second. Screens that come later bring only their own.
const VENDOR = "node_modules/(vue|@vue|pinia|vue-router|vue-i18n|@intlify)/";
const BASE = "api|stores|styles|ui/(?!QrCode)|texts/index|logic/keys";
const FIELDS =
  "widgets/(?!element|Pick|Plugin|frame|[Rr]ich)|" +
  "record/(actions|ActionDialog|around|doing|people|useForm)";
const SHELL = "shell/(Shell|Nav|Bell|state)|notices/(NoticeList|notices)";
const LOGIC =
  "logic/(asked|calendar|filter|filterrows|filtertext|form|format|liststate|menuicon|pages|" +
  "richtext|shortcuts|thumb|totals|typeddate|zoned)\\.";
const groups = [
  { name: "app", test: new RegExp(`${VENDOR}|icon.svg|src/(${BASE})`), priority: 9 },
  {
    name: "list",
    test: new RegExp(`src/(${SHELL}|${LOGIC}|${FIELDS}|grid/|pages/List)`),
    priority: 8,
  },
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
      input: ["index.html", "form.html", "rate.html", "widget.html"],
      output: {
        codeSplitting: { groups, includeDependenciesRecursively: false },
        // a hash with a dash in it is none to the server, and the file is asked for again and again
        hashCharacters: "hex",
        entryFileNames: "assets/[name]-[hash:16].js",
        chunkFileNames: "assets/[name]-[hash:16].js",
        assetFileNames: "assets/[name]-[hash:16][extname]",
      },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
  test: { environment: "happy-dom", include: ["tests/**/*.test.ts"], pool: "threads" },
});
