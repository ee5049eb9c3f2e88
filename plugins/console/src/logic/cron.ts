// cron - the five fields of a schedule as people say them. What cannot be said is given back empty.
// SPDX-License-Identifier: MIT
type Say = (key: string, args?: Record<string, unknown>) => string;

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const WORKDAYS = "1,2,3,4,5";
const SUNDAY = Date.UTC(2026, 0, 4); // any
const DAY_MS = 86_400_000;

/** "1-3,5" is 1, 2, 3 and 5; null where it is no such list. */
function numbers(text: string, least: number, most: number): number[] | null {
  const all: number[] = [];
  for (const part of text.split(",")) {
    const found = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(part);
    if (!found) return null;
    const from = Number(found[1]);
    const to = Number(found[2] ?? found[1]);
    if (from < least || to > most || to < from) return null;
    for (let i = from; i <= to; i++) all.push(i);
  }
  return all;
}

const two = (n: number) => String(n).padStart(2, "0");
const joined = (all: string[], lang: string) => all.join(lang === "en" ? ", " : "、");

function weekdays(text: string): number[] | null {
  const named = text.toLowerCase().replace(/[a-z]+/g, (name) => {
    const at = DAYS.indexOf(name);
    return at < 0 ? "?" : String(at);
  });
  return numbers(named, 0, 7)?.map((day) => day % 7) ?? null;
}

function often(minute: string, hour: string, t: Say): string {
  const minutes = /^\*\/(\d{1,2})$/.exec(minute)?.[1];
  if (minutes && hour === "*") return t("schedule.every", { n: Number(minutes) });
  if (minute === "*" && hour === "*") return t("schedule.every", { n: 1 });
  if (!/^\d{1,2}$/.test(minute)) return "";
  if (hour === "*") return t("schedule.hourly", { n: Number(minute) });
  const hours = /^\*\/(\d{1,2})$/.exec(hour)?.[1];
  return hours ? t("schedule.hours", { n: Number(hours), minute: Number(minute) }) : "";
}

/** "15 2 * * *" is each day at 02:15. */
export function cronWords(cron: string, lang: string, t: Say): string {
  const parts = cron.trim().split(/\s+/);
  if (parts.length !== 5) return "";
  const [minute, hour, day, month, week] = parts;
  const isDaily = day === "*" && month === "*" && week === "*";
  const hours = numbers(hour, 0, 23);
  const minutes = numbers(minute, 0, 59);
  if (!hours || minutes?.length !== 1) return isDaily ? often(minute, hour, t) : "";
  const time = joined(
    hours.map((one) => `${two(one)}:${two(minutes[0])}`),
    lang,
  );
  if (isDaily) return t("schedule.daily", { time });
  if (day === "*" && month === "*") {
    const days = weekdays(week);
    if (!days) return "";
    if (days.join() === WORKDAYS) return t("schedule.workdays", { time });
    const say = new Intl.DateTimeFormat(lang, { weekday: "short", timeZone: "UTC" });
    const names = days.map((one) => say.format(SUNDAY + one * DAY_MS));
    return t("schedule.weekly", { days: joined(names, lang), time });
  }
  const dates = numbers(day, 1, 31);
  if (!dates || week !== "*") return "";
  const on = joined(dates.map(String), lang);
  if (month === "*") return t("schedule.monthly", { day: on, time });
  const months = numbers(month, 1, 12);
  if (!months) return "";
  const say = new Intl.DateTimeFormat(lang, { month: "short", timeZone: "UTC" });
  const names = months.map((one) => say.format(Date.UTC(2026, one - 1, 1)));
  return t("schedule.yearly", { months: joined(names, lang), day: on, time });
}
