// wecom - a double of the parts of 企业微信 that the connector calls, strict about their form.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { Target } from "./target.mjs";

const ok = (more = {}) => ({ body: { errcode: 0, errmsg: "ok", ...more } });
const fault = (errcode, errmsg) => ({ body: { errcode, errmsg } });

export class WeCom extends Target {
  constructor({ corpid, secret, key, agentid }) {
    super((call) => this.answerTo(call));
    Object.assign(this, { corpid, secret, key, agentid });
    this.tokens = 0; // how many were given
    this.sent = []; // messages that were taken
    this.wrong = []; // calls that the documentation does not know
    this.next = []; // errcodes of the next sends
  }

  /** The token that is good now; those before it are not. */
  get token() {
    return `accesstoken-${this.tokens}`;
  }

  answerTo(call) {
    try {
      return this.checked(call);
    } catch (error) {
      this.wrong.push(`${call.method} ${call.url}: ${error.message}`);
      return fault(40035, error.message);
    }
  }

  checked({ method, url, headers, json }) {
    const { pathname, searchParams: query } = new URL(url, "http://wecom");
    const only = (...names) => assert.deepEqual([...query.keys()].sort(), names.sort());
    if (pathname === "/cgi-bin/gettoken") {
      assert.equal(method, "GET");
      only("corpid", "corpsecret");
      if (query.get("corpid") !== this.corpid) return fault(40013, "invalid corpid");
      if (query.get("corpsecret") !== this.secret) return fault(40001, "invalid credential");
      this.tokens++;
      return ok({ access_token: this.token, expires_in: 7200 });
    }
    assert.equal(method, "POST");
    assert.match(headers["content-type"], /^application\/json/);
    assert.ok(["text", "markdown"].includes(json.msgtype), "msgtype");
    assert.equal(typeof json[json.msgtype].content, "string");
    assert.ok(Buffer.byteLength(json[json.msgtype].content) <= 4096, "content");
    if (pathname === "/cgi-bin/webhook/send") {
      only("key");
      if (query.get("key") !== this.key) return fault(93000, "invalid webhook url");
    } else {
      assert.equal(pathname, "/cgi-bin/message/send");
      only("access_token");
      if (query.get("access_token") !== this.token) return fault(42001, "access_token expired");
      assert.equal(json.agentid, this.agentid);
      assert.ok(json.touser || json.toparty || json.totag, "a receiver");
    }
    const errcode = this.next.shift();
    if (errcode) return fault(errcode, "as the test says");
    this.sent.push(json);
    return ok(pathname.endsWith("webhook/send") ? {} : { msgid: `m${this.sent.length}` });
  }
}
