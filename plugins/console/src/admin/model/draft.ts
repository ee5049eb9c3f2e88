// draft - the draft of customization that the person at hand has: loaded once, changed by editors,
// kept on the server after each change, published or thrown away as a whole.
// SPDX-License-Identifier: MIT
import { reactive } from "vue";
import { ApiError, del, get, post, put } from "@/api/http";
import { copy, type CustomDoc, type Json } from "@/logic/custom";
import { forgetMeta } from "@/stores/meta";

export interface Change {
  part: string;
  name: string;
  change: "added" | "changed" | "removed";
  before?: Json;
  after?: Json;
}

interface DraftAnswer {
  version: number;
  updated_at: string;
  base: string | null;
  stale: boolean;
  document: CustomDoc;
}

interface CustomAnswer {
  hash: string | null;
  document: CustomDoc;
  draft: DraftAnswer | null;
  begun?: CustomDoc; // what a stale draft began from
  fields_max: number;
}

interface State {
  loaded: boolean;
  hash: string | null;
  doc: CustomDoc; // the draft, or what is published where there is none
  version: number; // 0: there is no draft
  stale: boolean;
  begun: CustomDoc;
  published: CustomDoc;
  updated_at: string;
  changes: Change[];
  fieldsMax: number;
}

const PATH = "/admin/customization";

export const draft = reactive<State>({
  loaded: false,
  hash: null,
  doc: {},
  version: 0,
  stale: false,
  begun: {},
  published: {},
  updated_at: "",
  changes: [],
  fieldsMax: 0,
});

function take(now: DraftAnswer | null, published?: CustomDoc) {
  draft.version = now?.version ?? 0;
  draft.stale = now?.stale ?? false;
  draft.updated_at = now?.updated_at ?? "";
  draft.doc = now?.document ?? published ?? draft.doc;
}

async function compare() {
  const { changes } = draft.version
    ? await get<{ changes: Change[] }>(`${PATH}/diff`)
    : { changes: [] };
  draft.changes = changes;
}

export async function loadDraft(): Promise<void> {
  const now = await get<CustomAnswer>(PATH);
  draft.hash = now.hash;
  draft.fieldsMax = now.fields_max;
  draft.begun = now.begun ?? {};
  draft.published = now.document;
  take(now.draft, now.document);
  await compare();
  draft.loaded = true;
}

/** Changes the document and keeps it. Who has changed it elsewhere meanwhile loses nothing: it is
 * loaded anew, and the change is made again. */
export async function editDraft(change: (doc: CustomDoc) => void): Promise<void> {
  if (!draft.loaded) await loadDraft();
  const attempt = async () => {
    const document = copy(draft.doc);
    change(document);
    const version = draft.version || undefined;
    take(await put<DraftAnswer>(`${PATH}/draft`, { document, ...(version ? { version } : {}) }));
  };
  try {
    await attempt();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 412) throw error;
    await loadDraft();
    await attempt();
  }
  await compare();
}

/** The draft and what others have published since it began are one document from now on. */
export async function keepMerged(document: CustomDoc): Promise<void> {
  const { hash: base, version } = draft;
  try {
    await put(`${PATH}/draft`, { document, base, ...(version ? { version } : {}) });
  } finally {
    await loadDraft();
  }
}

export async function discardDraft(): Promise<void> {
  await del(`${PATH}/draft`);
  await loadDraft();
}

export const validateDraft = () => post<{ warnings: string[] }>(`${PATH}/validate`, {});

export async function publishDraft(): Promise<string[]> {
  let warnings: string[];
  try {
    ({ warnings } = await post<{ warnings: string[] }>(`${PATH}/publish`, {}));
  } catch (error) {
    // somebody was faster a moment ago: then the draft is to be merged
    if (error instanceof ApiError && error.status === 409) await loadDraft();
    throw error;
  }
  forgetMeta();
  await loadDraft();
  return warnings;
}

export async function rollBack(hash: string): Promise<void> {
  await post(`${PATH}/rollback`, { hash });
  forgetMeta();
  await loadDraft();
}
