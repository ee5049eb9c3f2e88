// shortcuts - keys that work everywhere: Ctrl K and /, c, g l, ?.
// SPDX-License-Identifier: MIT
import { isComposing } from "./keys";

export interface Actions {
  search: () => void;
  create: () => void;
  help: () => void;
  go: (entity: string) => void;
  entities: () => string[]; // g and the first letter leads there
  letters: () => boolean;
  typing: (event: KeyboardEvent) => boolean;
}

const SECOND_MS = 1200;

export function shortcuts(actions: Actions): (event: KeyboardEvent) => void {
  let going = 0;
  return (event) => {
    if (isComposing(event)) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      actions.search();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (
      !actions.letters() ||
      actions.typing(event) ||
      Number(document.body.dataset.modals ?? 0) > 0
    )
      return;
    if (going && Date.now() - going < SECOND_MS) {
      going = 0;
      const name =
        event.key === "h" ? "home" : actions.entities().find((one) => one[0] === event.key);
      if (name) actions.go(name);
      return;
    }
    const run = { "/": actions.search, c: actions.create, "?": actions.help }[event.key];
    if (event.key === "g") going = Date.now();
    if (!run) return;
    event.preventDefault();
    run();
  };
}
