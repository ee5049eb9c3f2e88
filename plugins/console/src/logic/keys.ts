// keys - the one place that reads the keyboard.
// SPDX-License-Identifier: MIT
//
// While an input method is composing, Enter, arrows and Escape belong to it: 229 is what browsers
// report for such keys where isComposing comes too late.

export type KeyMap = Record<string, (event: KeyboardEvent) => void>;

export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** A handler for keydown that knows about input methods: `onKey({ Enter: submit })`. */
export function onKey(keys: KeyMap): (event: KeyboardEvent) => void {
  return (event) => {
    if (isComposing(event)) return;
    const handler = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
    if (handler) handler(event);
  };
}

/** Is the person typing? Then single letters are text and no shortcut. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  if (isComposing(event) || !target) return true;
  if (target.isContentEditable) return true;
  const name = target.tagName;
  if (name === "INPUT") return !["checkbox", "radio"].includes((target as HTMLInputElement).type);
  return name === "TEXTAREA" || name === "SELECT";
}
