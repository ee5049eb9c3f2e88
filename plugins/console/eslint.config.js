// eslint.config - what the compiler does not see.
// SPDX-License-Identifier: MIT
import vue from "eslint-plugin-vue";
import tseslint from "typescript-eslint";

const keys = "Ask through onKey of logic/keys.ts: an input method's Enter must not submit.";

export default tseslint.config(
  { ignores: ["dist/**", "dist.making/**", "node_modules/**"] },
  ...tseslint.configs.recommended,
  ...vue.configs["flat/recommended"],
  {
    files: ["**/*.vue"],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
  },
  {
    rules: {
      "max-len": ["error", { code: 100, ignoreUrls: true }],
      "no-eval": "error",
      "no-console": "error",
      "vue/no-v-html": "error",
      "vue/multi-word-component-names": "off",
      "vue/html-self-closing": "off",
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/multiline-html-element-content-newline": "off",
      "vue/html-indent": "off",
      "vue/html-closing-bracket-newline": "off",
      "vue/first-attribute-linebreak": "off",
      "vue/attributes-order": "off",
      "vue/require-default-prop": "off",
      "vue/one-component-per-file": "off",
      "no-restricted-syntax": [
        "error",
        { selector: "MemberExpression[property.name='isComposing']", message: keys },
      ],
    },
  },
  { files: ["src/logic/keys.ts"], rules: { "no-restricted-syntax": "off" } },
  { files: ["build.mjs"], rules: { "no-console": "off" } },
);
