// ui - the widget of greetings: <crm-hello-card> says one in large letters.
// SPDX-License-Identifier: MIT
//
// A module as a browser takes it, without a build. The page's CSP holds here too: the style is a
// sheet of its own in the shadow root, in the colours that the console gives.
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  p { margin: 0 0 8px; font-size: 20px; color: var(--primary-strong); overflow-wrap: anywhere; }
  button { min-height: 36px; padding: 0 12px; border: 1px solid var(--line); border-radius: 6px;
    background: var(--surface); color: var(--text); font: inherit; cursor: pointer; }
`);

const WORDS = { "zh-CN": "再说一次", en: "Say it again" };

class Card extends HTMLElement {
  #text = document.createElement("p");
  #again = document.createElement("button");
  #context;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(this.#text, this.#again);
    this.#again.addEventListener("click", () => {
      const times = Number(this.#context.record.times ?? 0) + 1;
      this.dispatchEvent(new CustomEvent("crm-change", { detail: { times } }));
    });
  }

  set context(context) {
    this.#context = context;
    const { record, locale } = context;
    this.#text.textContent = record.text || record.name;
    this.#again.textContent = WORDS[locale.lang] ?? WORDS.en;
  }
}

customElements.define("crm-hello-card", Card);
