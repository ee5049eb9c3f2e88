// form - forms for anybody: /f/leads asks to be called back, /f/support asks for help.
// SPDX-License-Identifier: MIT
import { ask, el, formOf, type Input, lang, param, show, words } from "./kit";

const w = words({
  lead: ["联系我们", "Contact us"],
  lead_text: ["留下联系方式，我们会尽快与您联系。", "Leave your details and we will get in touch."],
  support: ["提交服务请求", "Ask for help"],
  support_text: ["描述您遇到的问题，我们会通过邮件回复。", "Describe the problem; we will answer by e-mail."],
  name: ["姓名", "Name"],
  company: ["公司", "Company"],
  phone: ["电话", "Phone"],
  email: ["邮箱", "E-mail"],
  message: ["留言", "Message"],
  subject: ["主题", "Subject"],
  body: ["问题描述", "Description"],
  product: ["产品", "Product"],
  serial: ["序列号", "Serial number"],
  type: ["请求类型", "Type of request"],
  question: ["咨询", "Question"],
  yes: ["是", "Yes"],
  no: ["否", "No"],
  pick: ["请选择", "Please choose"],
  consent: ["我同意贵公司使用以上信息与我联系。", "I agree to be contacted with these details."],
  send: ["提交", "Send"],
  thanks: ["已收到", "Thank you"],
  lead_done: ["我们会尽快与您联系。", "We will get in touch soon."],
  support_done: ["您的请求已登记，可以用下面的链接查看进度。", "Your request has been taken in. Its progress:"],
  progress: ["查看进度", "See the progress"],
  nothing: ["没有这个表单", "There is no such form"],
});

const done = (text: string, more?: Node) =>
  show(
    w.thanks,
    el(
      "div",
      { class: "box", role: "status" },
      el("h1", { tabindex: "-1" }, w.thanks),
      el("p", {}, text),
      more,
    ),
  );

function lead() {
  const inputs: Input[] = [
    { name: "name", label: w.name, required: true, complete: "name", most: 100 },
    { name: "company", label: w.company, complete: "organization", most: 120 },
    { name: "phone", label: w.phone, type: "tel", complete: "tel", most: 30 },
    { name: "email", label: w.email, type: "email", complete: "email" },
    { name: "message", label: w.message, type: "area", most: 5000 },
  ];
  const agree = el("input", { type: "checkbox", required: true });
  const consent = el("label", { class: "check" }, agree, el("span", {}, w.consent));
  const form = formOf(inputs, [consent], w.send, async (values) => {
    const from = { campaign: param("campaign"), utm_source: param("utm_source") };
    const utm = { ...from, utm_medium: param("utm_medium") };
    await ask("POST", "leads/web", { ...utm, ...values, consent: agree.checked });
    done(w.lead_done);
  });
  show(w.lead, el("div", { class: "box" }, head(w.lead, w.lead_text), form));
}

/* What GET /x/tickets/forms tells. */
interface Asked {
  name: string;
  label: string;
  type: string;
  required: boolean;
  help?: string;
  choices?: { value: string; label: string }[];
}
interface Form {
  type: string;
  name: string;
  help?: string;
  fields: Asked[];
}

const QUESTION = "question"; // what a request is that says nothing else
/* What every request says; a form that asks for it again gets that. */
const SAID: Record<string, string> = {
  subject: "subject",
  requester_name: "name",
  requester_email: "email",
};
const TYPES: Record<string, string> = {
  longtext: "area",
  int: "number",
  phone: "tel",
  email: "email",
  url: "url",
  date: "date",
  datetime: "datetime-local",
};

function inputOf(field: Asked): Input {
  const { name, label, required, help } = field;
  let choices = field.choices;
  if (field.type === "bool") {
    choices = [
      { value: "true", label: w.yes },
      { value: "false", label: w.no },
    ];
  }
  if (choices) choices = [{ value: "", label: w.pick }, ...choices];
  const most = field.type === "longtext" ? 20000 : undefined;
  return { name, label, required, help, choices, most, type: TYPES[field.type] };
}

function valueOf(field: Asked, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  if (field.type === "int") return Number(text);
  if (field.type === "bool") return text === "true";
  return field.type === "datetime" ? new Date(text).toISOString() : text;
}

const FIXED: Input[] = [
  { name: "product", label: w.product, most: 100 },
  { name: "serial", label: w.serial, most: 60 },
];

/* The form of a type, with what was typed into the one before. Without any, or where they cannot
 * be had, a request is a question. */
function supportOf(forms: Form[], type: string, typed: Record<string, string>) {
  const chosen = forms.find((one) => one.type === type);
  const own = chosen?.fields.filter(({ name }) => !SAID[name]).map(inputOf);
  const types = forms.map((one) => ({ value: one.type, label: one.name }));
  if (!forms.some((one) => one.type === QUESTION)) {
    types.unshift({ value: QUESTION, label: w.question });
  }
  const inputs: Input[] = [
    { name: "name", label: w.name, complete: "name", most: 60 },
    { name: "email", label: w.email, type: "email", required: true, complete: "email" },
    { name: "subject", label: w.subject, required: true },
    { name: "body", label: w.body, type: "area", required: true, most: 20000 },
    ...(own ?? FIXED),
  ];
  if (types.length > 1) {
    inputs.unshift({ name: "type", label: w.type, choices: types, help: chosen?.help });
  }
  const form = formOf(inputs, [], w.send, async (values) => {
    const { name, email, subject, body, product, serial, website } = values;
    const fields: Record<string, unknown> = {};
    for (const field of chosen?.fields ?? []) {
      fields[field.name] = valueOf(field, values[SAID[field.name] ?? field.name]);
    }
    const all = { name, email, subject, body, product, serial, website, type, fields };
    const made = await ask<{ token: string }>("POST", "tickets/requests", all);
    const to = `/rate/${made.token}?lang=${lang}`;
    done(w.support_done, el("p", {}, el("a", { href: to }, w.progress)));
  });
  for (const [name, value] of Object.entries({ ...typed, type })) {
    const control = form.querySelector<HTMLInputElement>(`#in-${name}`);
    if (control) control.value = value;
  }
  const select = form.querySelector<HTMLSelectElement>("#in-type");
  select?.addEventListener("change", () => {
    const now = { ...typed };
    for (const [name, value] of new FormData(form)) now[name] = String(value);
    supportOf(forms, select.value, now);
    document.getElementById("in-type")?.focus();
  });
  show(w.support, el("div", { class: "box" }, head(w.support, w.support_text), form));
}

async function support() {
  const none = { items: [] as Form[] };
  const { items } = await ask<typeof none>("GET", "tickets/forms").catch(() => none);
  supportOf(items, QUESTION, {});
}

function head(title: string, text: string) {
  return el("header", {}, el("h1", {}, title), el("p", { class: "muted" }, text));
}

const which = location.pathname.split("/")[2];
if (which === "leads" || which === "lead") lead();
else if (which === "support") void support();
else show(w.nothing, el("div", { class: "box" }, el("h1", {}, w.nothing)));
