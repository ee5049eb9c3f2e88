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

function support() {
  const inputs: Input[] = [
    { name: "name", label: w.name, complete: "name", most: 60 },
    { name: "email", label: w.email, type: "email", required: true, complete: "email" },
    { name: "subject", label: w.subject, required: true },
    { name: "body", label: w.body, type: "area", required: true, most: 20000 },
    { name: "product", label: w.product, most: 100 },
    { name: "serial", label: w.serial, most: 60 },
  ];
  const form = formOf(inputs, [], w.send, async (values) => {
    const made = await ask<{ token: string }>("POST", "tickets/requests", values);
    const to = `/rate/${made.token}?lang=${lang}`;
    done(w.support_done, el("p", {}, el("a", { href: to }, w.progress)));
  });
  show(w.support, el("div", { class: "box" }, head(w.support, w.support_text), form));
}

function head(title: string, text: string) {
  return el("header", {}, el("h1", {}, title), el("p", { class: "muted" }, text));
}

const which = location.pathname.split("/")[2];
if (which === "leads" || which === "lead") lead();
else if (which === "support") support();
else show(w.nothing, el("div", { class: "box" }, el("h1", {}, w.nothing)));
