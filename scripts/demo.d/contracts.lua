-- contracts - of the demo company: a draft, one to approve, one being paid, one near its end.
-- SPDX-License-Identifier: MIT
local docx = require("docx")
local kit = require("kit")
local contracts = {}

local function template()
  local path = kit.folder .. "/template.docx"
  docx.write(path, {
    docx.title("销售合同"),
    docx.text("合同编号：{{number}}"),
    docx.text("甲方：{{customer.name}}"),
    docx.text("乙方：远望科技有限公司"),
    docx.text("双方经协商一致，就下列产品与服务订立本合同，有效期自 {{start_on|date}} 至 {{end_on|date}}。"),
    docx.table {
      { "名称", "数量", "单价", "金额" },
      { "{{#lines}}{{name}}", "{{quantity|number}}", "{{unit_price|money}}",
        "{{amount|money}}{{/lines}}" },
    },
    docx.text("合同总额：{{total|money}}（大写：{{total|capital}}）", true),
    docx.text("付款方式：{{payment_terms}}"),
    docx.text("签订日期：{{today|date}}"),
  })
  local file = kit.upload("admin", path, "销售合同模板.docx")
  return kit.create("admin", "contract_template", { name = "销售合同（标准）", file = file,
    type = "sale" })
end

local function flow(users)
  kit.create("admin", "approval_flow", { name = "合同审批", entity = "contract",
    description = "部门经理或管理员任一人审批；十万元以上再由财务会签",
    nodes = {
      { id = "manager", name = "部门经理", mode = "any",
        approvers = { { kind = "member", users = { users["wang.fang"], users.admin } } } },
      { id = "finance", name = "财务", when = { total = { gte = "100000.00" } },
        approvers = { { kind = "member", users = { users["xu.li"] } } } },
    } })
end

local function draft(owner, customer, name, from, days, lines, more)
  local fields = { name = name, type = "sale", account = customer.id, customer_signer =
    customer.contact, start_on = kit.day(from), end_on = kit.day(from + days), template =
    contracts.template, payment_terms = "签约付三成，验收付六成，质保期满付一成", notice_days = 30 }
  for key, value in pairs(more or {}) do fields[key] = value end
  local id = kit.create(owner, "contract", fields)
  local list = {}
  for i, line in ipairs(lines) do
    list[i] = { contract = id, name = line[1], quantity = line[2], unit_price = kit.yuan(line[3]),
      unit = line[4], sort = i }
  end
  kit.create_all(owner, "contract_line", list)
  return id
end

local function approve(login, approval)
  local task = kit.ids(login, "approval_task", "state=open&approval=" .. approval .. "&owner="
    .. contracts.users[login])[1]
  kit.act(login, "approval_task", task, "approve", { comment = "同意，注意回款节点" })
end

-- Handed in, approved by both, signed by both sides, active.
local function performing(owner, id, word, signer)
  local approval = kit.act(owner, "contract", id, "submit"):match('"approval":"(%w+)"')
  for _, login in ipairs { "wang.fang", "xu.li" } do approve(login, approval) end
  local path = kit.folder .. "/signed.docx"
  docx.write(path, { docx.title("销售合同"), docx.text(word), docx.text("（双方签字盖章）") })
  local file = kit.upload(owner, path, "签署件.docx", "contract", id)
  kit.create(owner, "contract_document", { contract = id, name = "签署件.docx", file = file })
  kit.act(owner, "contract", id, "sign", { side = "ours", name = "张远" })
  kit.act(owner, "contract", id, "sign", { side = "customer", name = signer })
  kit.act(owner, "contract", id, "activate")
end

local function pay(id, days, amount, reference)
  kit.create("xu.li", "receipt", { contract = id, amount = kit.yuan(amount), date = kit.day(days),
    method = "transfer", reference = reference })
end

function contracts.make(customers, users)
  contracts.users = users
  contracts.template = template()
  flow(users)
  local zhang, li, zhou = customers[13], customers[11], customers[12]
  local paying = draft("zhang.wei", zhang, "数据看板与维保合同", -75, 365, {
    { "数据分析模块", "2", 38000, "套" }, { "金牌维保", "1", 36000, "年" },
    { "实施服务", "12", 2200, "人天" } })
  performing("zhang.wei", paying, "数据看板与维保合同", "王建国")
  kit.act("zhang.wei", "contract", paying, "plan", { installments = 4, first_on = kit.day(-60),
    months = 1 })
  pay(paying, -58, 34600, "工行入账 20260925")
  pay(paying, -20, 20000, "建行入账 88217")
  local ending = draft("li.na", li, "平台年度服务合同", -350, 364, {
    { "远望客户管理 企业版", "60", 2400, "用户/年" } }, { auto_renew = true, type = "service" })
  performing("li.na", ending, "平台年度服务合同", "黄志强")
  kit.act("li.na", "contract", ending, "plan", { installments = 2, first_on = kit.day(-340),
    months = 6 })
  pay(ending, -338, 72000, "招行入账 10293")
  pay(ending, -150, 72000, "招行入账 22871")
  kit.create("li.na", "obligation", { contract = ending, title = "交付年度服务报告",
    due_on = kit.day(6), side = "ours" })
  local waiting = draft("zhou.tao", zhou, "总部扩容采购合同", 5, 364, {
    { "远望客户管理 标准版", "80", 1200, "用户/年" }, { "驻场培训", "5", 4800, "天" } })
  kit.act("zhou.tao", "contract", waiting, "generate", { template = contracts.template })
  kit.act("zhou.tao", "contract", waiting, "submit", { comment = "客户希望月底前签约" })
  local first = draft("zhang.wei", customers[1], "客户管理系统采购合同", 10, 364, {
    { "远望客户管理 标准版", "40", 1200, "用户/年" }, { "实施服务", "10", 2200, "人天" } })
  kit.act("zhang.wei", "contract", first, "generate", { template = contracts.template })
end

return contracts
