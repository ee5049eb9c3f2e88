-- service - what happened to the demo company's tickets, and who is told of what.
-- SPDX-License-Identifier: MIT
local kit = require("kit")
local service = {}

local AGENTS = { "liu.min", "zhao.lei" }

local function first_words(tickets)
  for i, id in ipairs(tickets) do
    local agent = AGENTS[i % #AGENTS + 1]
    kit.change("sun.yan", "ticket", id, { owner = service.users[agent] })
    kit.act(agent, "ticket", id, "reply", { body = "您好，已收到您的反馈，工程师正在核实，今天给您答复。",
      minutes = 10, status = i % 3 == 0 and "waiting_customer" or "open" })
    if i % 2 == 0 then
      kit.act(agent, "ticket", id, "note", { body = "已远程查看日志，疑似网络策略问题，等客户提供账号。" })
    end
  end
end

local function ended(tickets)
  for i, id in ipairs(tickets) do
    local agent = AGENTS[i % #AGENTS + 1]
    kit.change("sun.yan", "ticket", id, { owner = service.users[agent] })
    kit.act(agent, "ticket", id, "reply", { body = "问题已处理，请您确认。", minutes = 25 })
    kit.act(agent, "ticket", id, "resolve", { resolution = "更换配件后恢复正常",
      root_cause = "电源模块老化", minutes = 15 })
    kit.act("sun.yan", "ticket", id, "rate", { score = i % 3 + 3, text = "处理及时，态度好" })
  end
end

local function words()
  kit.create("sun.yan", "macro", { name = "请客户补充信息", public = true,
    status = "waiting_customer", reply = "您好，请补充设备型号与故障照片，我们会尽快处理。" })
  for _, one in ipairs { { "liu.min", "product" }, { "zhao.lei", "software" } } do
    kit.create("sun.yan", "agent_skill", { agent = service.users[one[1]], category = one[2],
      level = 3 })
  end
end

-- What the portal asks of a fault and of a refund.
local function forms()
  for _, form in ipairs {
    { name = "故障报修", type = "incident", help = "请写明设备与故障现象，附上序列号可以更快处理。",
      { field = "category" }, { field = "product" }, { field = "serial", label = "设备序列号" },
      { field = "urgency" } },
    { name = "退货退款", type = "refund", { field = "product", required = true } },
  } do
    local id = kit.create("sun.yan", "ticket_form", { name = form.name, type = form.type,
      help = form.help })
    for order, one in ipairs(form) do
      one.form, one.portal, one.order = id, true, order
      kit.create("sun.yan", "ticket_form_field", one)
    end
  end
end

function service.make(users)
  service.users = users
  words()
  local fresh = kit.ids("sun.yan", "ticket", "status=new&sort=-received_at")
  first_words(table.move(fresh, 1, 6, 1, {}))
  ended(table.move(fresh, 7, 12, 1, {}))
  if fresh[13] then
    kit.act("sun.yan", "ticket", fresh[13], "escalate", { reason = "客户多次来电催促" })
  end
  forms()
end

-- --- other systems ---

local ERP = "https://erp.example.com/hooks/crm"
local CONFIG = "/admin/plugins/integrations/config"

-- The company's ERP is, while the demo is made, a hook of the company's own: so what is sent is
-- taken by somebody, signatures are checked, and the log tells of successes.
function service.integrations(users)
  kit.call("admin", "PUT", CONFIG, { allow_http = true })
  local secret = kit.password .. kit.password
  local taker = kit.create("admin", "inbound_hook", { name = "金蝶 ERP：回执", secret = secret,
    entity_name = "activity", acts_as = users.admin, match_field = "subject",
    field_map = { subject = "event" } })
  local answer = kit.call("admin", "GET", "/records/inbound_hook/" .. taker)
  local address = kit.url .. "/api/v1/x/integrations/in/" .. answer:match('"path":"([^"]+)"')
  local target = kit.create("admin", "webhook", { name = "金蝶 ERP：商机与合同同步",
    url = address, secret = secret, entities = { "opportunity", "contract" },
    events = { "create", "update" } })
  kit.create("admin", "webhook", { name = "质检平台：工单", url = address .. "gone",
    secret = secret, entities = { "ticket" }, events = { "update" },
    match = { type = "complaint" } })
  kit.create("admin", "inbound_hook", { name = "官网表单：新线索", entity_name = "lead",
    secret = secret, acts_as = users.admin, field_map = {
      name = "contact", company = "company", phones = { from = "phone" } } })
  kit.create("zhang.wei", "calendar_feed", { name = "我的任务", entity_name = "task",
    title_field = "subject", start_field = "due_at" })
  return target
end

-- From here on nobody answers any more: the ERP of a made-up company is not there.
function service.erp_goes(target, deals)
  kit.change("admin", "webhook", target, { url = ERP, secret = kit.password .. kit.password })
  for i = 1, math.min(3, #deals) do
    kit.change("admin", "opportunity", deals[i], { next_step = "与财务核对开票信息" })
  end
end

function service.erp_ends(target)
  kit.act("admin", "webhook", target, "pause")
  kit.call("admin", "PUT", CONFIG, { allow_http = false })
end

return service
