// rate - /rate/<token>: how far a request is, what was said, and how it was.
// SPDX-License-Identifier: MIT
import { ask, el, formOf, lang, param, Refused, show, words } from "./kit";

interface Progress {
  number: string;
  subject: string;
  state: string;
  received_at: string;
  messages: { from: string; body: string; at: string }[];
  score?: number;
  can_rate: boolean;
}

const w = words({
  title: ["服务请求", "Your request"],
  in_progress: ["处理中", "In progress"],
  waiting_for_you: ["等待您的回复", "Waiting for your answer"],
  solved: ["已解决", "Solved"],
  closed: ["已关闭", "Closed"],
  you: ["您", "You"],
  us: ["客服", "Support"],
  rate: ["这次服务怎么样？", "How did we do?"],
  score: ["评分", "Score"],
  text: ["想说的话（可不填）", "Anything to add? (optional)"],
  send: ["提交评价", "Send"],
  thanks: ["感谢您的评价！", "Thank you for your rating!"],
  rated: ["您给了 {n} 星，几天内可以修改。", "You gave {n} of 5; it can be changed for some days."],
  answer: ["补充或回复", "Add something"],
  answer_send: ["发送", "Send"],
  sent: ["已发送。", "Sent."],
  pick: ["请先选择星级。", "Please choose a number of stars."],
  absent: ["链接无效或已过期", "This link is not valid (any more)"],
  retry: ["重试", "Try again"],
  failed: ["暂时无法打开", "It cannot be opened right now"],
});
const LABELS = {
  zh: ["很差", "较差", "一般", "满意", "非常满意"],
  en: ["Very bad", "Bad", "Fair", "Good", "Very good"],
}[lang];
const token = location.pathname.split("/")[2] || (param("token") ?? "");
const STAR = "M12 2.5l2.9 6 6.6.9-4.8 4.6 1.2 6.5-5.9-3.1-5.9 3.1 1.2-6.5L2.5 9.4l6.6-.9z";

const moment = (text: string) =>
  new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: "medium",
    timeStyle: "short",
  }).format(new Date(text));

function star(): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", STAR);
  svg.append(path);
  return svg;
}

function stars(score: number) {
  const labels = LABELS.map((text, i) => {
    const input = el("input", { type: "radio", name: "score", value: String(i + 1) });
    input.checked = score === i + 1;
    input.setAttribute("aria-label", `${i + 1} - ${text}`);
    return el("label", { title: text }, input, star());
  });
  const paint = () => {
    const at = labels.findIndex((one) => one.querySelector("input")!.checked);
    labels.forEach((one, i) => one.classList.toggle("on", i <= at));
  };
  const set = el("fieldset", { class: "stars" }, el("legend", {}, w.score), ...labels);
  set.addEventListener("change", paint);
  paint();
  return set;
}

function rating(progress: Progress) {
  const text = { name: "text", label: w.text, type: "area", most: 1000 };
  const pick = stars(progress.score ?? 0);
  const form = formOf([text], [], w.send, async (values) => {
    const score = Number(values.score ?? 0);
    if (!score) throw new Refused(422, w.pick);
    await ask("POST", "tickets/rate", { token, score, text: values.text });
    await load(w.thanks);
  });
  form.prepend(pick);
  const before = progress.score && w.rated.replace("{n}", String(progress.score));
  return el(
    "section",
    { class: "box" },
    el("h2", {}, w.rate),
    before ? el("p", { class: "muted" }, before) : null,
    form,
  );
}

function answering() {
  const body = { name: "body", label: w.answer, type: "area", required: true, most: 20000 };
  return el(
    "section",
    { class: "box" },
    formOf([body], [], w.answer_send, async (values) => {
      await ask("POST", "tickets/answers", { token, body: values.body });
      await load(w.sent);
    }),
  );
}

function page(progress: Progress, notice: string) {
  const said = progress.messages.map((one) =>
    el(
      "li",
      { class: one.from },
      el("b", {}, one.from === "agent" ? w.us : w.you),
      el("span", { class: "muted" }, ` ${moment(one.at)}`),
      el("br"),
      one.body,
    ),
  );
  const state = w[progress.state as "solved"] ?? progress.state;
  const facts = `${progress.number} · ${state} · ${moment(progress.received_at)}`;
  show(
    `${progress.number} ${progress.subject}`,
    notice ? el("p", { class: "notice ok", role: "status" }, notice) : null,
    progress.can_rate ? rating(progress) : null,
    el(
      "section",
      { class: "box" },
      el("h1", {}, progress.subject),
      el("p", { class: "muted" }, facts),
      el("ul", { class: "said" }, ...said),
    ),
    answering(),
  );
}

async function load(notice = "") {
  try {
    page(await ask<Progress>("GET", `tickets/progress?token=${encodeURIComponent(token)}`), notice);
  } catch (error) {
    const refused = error instanceof Refused ? error : new Refused(0, String(error));
    const gone = refused.status >= 400 && refused.status < 500 && refused.status !== 429;
    const again = el("button", {}, w.retry);
    again.addEventListener("click", () => void load());
    const title = gone ? w.absent : w.failed;
    const why = gone ? [] : [el("p", {}, refused.message), again];
    show(title, el("div", { class: "box" }, el("h1", {}, title), ...why));
  }
}

show(w.title, el("h1", { class: "muted" }, w.title));
void load();
