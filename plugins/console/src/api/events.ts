// events - live changes: one stream for the page, told to whoever listens.
// SPDX-License-Identifier: MIT

export interface Change {
  entity: string;
  id: string;
  op: string;
  version?: number;
}

type Listener = (change: Change | null) => void; // null: much has happened, load anew

const listeners = new Set<Listener>();
let source: EventSource | null = null;

function tell(change: Change | null): void {
  for (const listener of listeners) listener(change);
}

export function startEvents(): void {
  if (source || typeof EventSource === "undefined") return;
  source = new EventSource("/api/v1/events");
  source.addEventListener("change", (event) => {
    try {
      tell(JSON.parse((event as MessageEvent<string>).data) as Change);
    } catch {
      tell(null);
    }
  });
  source.addEventListener("reset", () => tell(null));
}

export function stopEvents(): void {
  source?.close();
  source = null;
}

/** Until the function it gives is called. */
export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
