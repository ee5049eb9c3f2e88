// own - what a person keeps for themselves: favourites, columns of lists, what columns of imported
// tables mean and which first steps are done (with the account, on every machine), what was opened
// lately and drafts (in this browser).
// SPDX-License-Identifier: MIT
import { reactive } from "vue";
import { get, put } from "@/api/http";
import { keep, kept } from "./settings";

export interface Place {
  to: string;
  text: string;
  note: string;
}

const RECENT = 8;
const FAVOURITES = 30;
const RECENT_KEY = "perigee.recent";
const DRAFTS_KEY = "perigee.drafts";
const DRAFTS = 20;

type Settings = Record<string, unknown> & {
  favourites?: Place[];
  columns?: Record<string, string>; // by entity and view, as an address has them
  steps?: string[]; // of the first days, that are done or not wanted
  imports?: Record<string, Record<string, string>>; // by entity: column of a table → field
};
const LISTS = 60; // of which columns are kept
const IMPORTS_BYTES = 6000; // of all that may be kept with an account

const own = reactive({
  favourites: [] as Place[],
  recent: [] as Place[],
  columns: {} as Record<string, string>,
  steps: null as string[] | null, // null: not known
  owner: "", // whose they are: another person may sign in on the same page
});
let settings: Settings = {};
let loading: Promise<void> | null = null;

export const useOwn = () => own;

/** Reads what belongs to who has signed in; nothing of the person before stays. */
export function begin(user: string): Promise<void> {
  if (own.owner === user && loading) return loading;
  own.owner = user;
  own.favourites = [];
  own.columns = {};
  own.steps = null;
  own.recent = kept<{ items: Place[] }>(`${RECENT_KEY}.${user}`).items ?? [];
  loading = get<Settings>("/me/settings").then((mine) => {
    settings = mine;
    own.favourites = mine.favourites ?? [];
    own.columns = mine.columns ?? {};
    own.steps = mine.steps ?? [];
  });
  loading.catch(() => (loading = null));
  return loading;
}

export function remember(place: Place): void {
  own.recent = [place, ...own.recent.filter((one) => one.to !== place.to)].slice(0, RECENT);
  keep(`${RECENT_KEY}.${own.owner}`, { items: own.recent });
}

export const isFavourite = (to: string) => own.favourites.some((one) => one.to === to);

/** What the server does not keep is not there: trying again keeps it. */
async function keepSettings(change: Settings, takeBack: () => void = () => undefined) {
  const before = settings;
  settings = { ...settings, ...change };
  try {
    await put("/me/settings", settings);
  } catch (error) {
    settings = before;
    takeBack();
    throw error;
  }
}

/** Shown at once; taken back if the server does not keep it. */
export async function favour(place: Place): Promise<void> {
  await begin(own.owner);
  const before = own.favourites;
  own.favourites = isFavourite(place.to)
    ? before.filter((one) => one.to !== place.to)
    : [...before, place].slice(-FAVOURITES);
  await keepSettings({ favourites: own.favourites }, () => (own.favourites = before));
}

/** The columns somebody has chosen for a list; without any, the list's own are shown again. */
export async function keepColumns(list: string, text: string | undefined): Promise<void> {
  await begin(own.owner);
  const { [list]: old, ...rest } = own.columns;
  if (old === text) return;
  const kept = Object.entries(text ? { ...rest, [list]: text } : rest).slice(-LISTS);
  const before = own.columns;
  own.columns = Object.fromEntries(kept);
  await keepSettings({ columns: own.columns }, () => (own.columns = before));
}

/** What the columns of tables meant before. */
export async function mappingFor(entity: string): Promise<Record<string, string>> {
  await begin(own.owner);
  return settings.imports?.[entity] ?? {};
}

/** Those of this entity are the newest; the oldest go when they are too many. */
export function withMapping(all: Settings["imports"], entity: string, map: Record<string, string>) {
  const { [entity]: before, ...others } = all ?? {};
  const columns = Object.entries({ ...before, ...map });
  const entities = Object.entries(others);
  const made = () => Object.fromEntries([...entities, [entity, Object.fromEntries(columns)]]);
  const isMuch = () => new Blob([JSON.stringify(made())]).size > IMPORTS_BYTES;
  while (entities.length && isMuch()) entities.shift();
  while (columns.length && isMuch()) columns.shift();
  return made();
}

export async function keepMapping(entity: string, map: Record<string, string>): Promise<void> {
  await begin(own.owner);
  await keepSettings({ imports: withMapping(settings.imports, entity, map) });
}

export async function keepStep(step: string): Promise<void> {
  await begin(own.owner);
  if (own.steps?.includes(step)) return;
  const before = own.steps;
  own.steps = [...(own.steps ?? []), step];
  await keepSettings({ steps: own.steps }, () => (own.steps = before));
}

/* --- drafts: what was typed and not yet sent --- */

type Drafts = Record<string, { at: number; value: unknown }>;

export function draftOf<T>(key: string): T | undefined {
  return (kept<Drafts>(DRAFTS_KEY) as Drafts)[`${own.owner}/${key}`]?.value as T | undefined;
}

/** undefined forgets it; the oldest go when there are many. */
export function keepDraft(key: string, value: unknown): void {
  const all = { ...(kept<Drafts>(DRAFTS_KEY) as Drafts) };
  if (value === undefined) delete all[`${own.owner}/${key}`];
  else all[`${own.owner}/${key}`] = { at: Date.now(), value };
  const newest = Object.entries(all).sort((a, b) => b[1].at - a[1].at);
  keep(DRAFTS_KEY, Object.fromEntries(newest.slice(0, DRAFTS)));
}
