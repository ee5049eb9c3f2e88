-- sales - products, opportunities, tasks and visits of the demo company.
-- SPDX-License-Identifier: MIT
local kit = require("kit")
local sales = {}

local SELLERS = { "zhang.wei", "li.na", "zhou.tao" }

-- name, code, category, unit, price, cost
local PRODUCTS = {
  { "远望客户管理 标准版", "YW-STD", "软件", "用户/年", 1200, 240 },
  { "远望客户管理 企业版", "YW-ENT", "软件", "用户/年", 2400, 420 },
  { "数据分析模块", "YW-BI", "软件", "套", 38000, 6000 },
  { "移动签到模块", "YW-LBS", "软件", "套", 16000, 2500 },
  { "实施服务", "SV-IMP", "服务", "人天", 2200, 1300 },
  { "驻场培训", "SV-TRN", "服务", "天", 4800, 2600 },
  { "金牌维保", "SV-GLD", "服务", "年", 36000, 12000 },
  { "边缘网关一体机", "HW-GW1", "硬件", "台", 9800, 6900 },
}

-- name, product and quantity, stage, days until it closes, account
local DEALS = {
  { "客户管理系统一期", 1, 40, "s1", 45 }, { "门店数据看板", 3, 1, "s1", 60 },
  { "销售移动化改造", 4, 2, "s2", 30 }, { "售后服务平台", 2, 60, "s2", 38 },
  { "年度维保续签", 7, 1, "s3", 20 }, { "产线设备联网", 8, 24, "s3", 52 },
  { "集团版升级", 2, 180, "s3", 26 }, { "分支机构扩容", 1, 75, "s4", 12 },
  { "经销商协同平台", 2, 90, "s4", 9 }, { "会员运营项目", 3, 2, "s4", 15 },
  { "呼叫中心对接", 5, 30, "won", -12 }, { "总部试点项目", 1, 55, "won", -25 },
  { "仓储看板", 3, 1, "won", -40 }, { "考勤系统替换", 4, 1, "lost", -8 },
  { "老系统迁移", 5, 45, "lost", -19 },
}

local function products()
  local list, items = {}, {}
  for i, one in ipairs(PRODUCTS) do
    list[i] = { name = one[1], code = one[2], category = one[3], unit = one[4],
      price = kit.yuan(one[5]), cost = kit.yuan(one[6]), tax = "6" }
  end
  list = kit.create_all("admin", "product", list)
  local prices = kit.create("admin", "price_list", { name = "渠道伙伴价", currency = "CNY", order = 10,
    valid_from = kit.day(-90), valid_to = kit.day(275) })
  for i, percent in ipairs { "15", "12", "10", "10" } do
    items[i] = { price_list = prices, product = list[i], min_quantity = "1", discount = percent }
  end
  kit.create_all("admin", "price_list_item", items)
  return list
end

local STAGES = {
  { "s1", "商机识别", "open", 10 }, { "s2", "需求分析", "open", 30 }, { "s3", "方案展示", "open", 50 },
  { "s4", "商务谈判", "open", 75 }, { "won", "赢单", "won", 100 }, { "lost", "输单", "lost", 0 },
}

local function pipeline()
  local id = kit.create("admin", "pipeline", { name = "标准销售流程", is_default = true })
  local stages, list = { id = id }, {}
  for i, one in ipairs(STAGES) do
    list[i] = { name = one[2], pipeline = id, order = i * 10, kind = one[3], probability = one[4],
      rot_days = one[3] == "open" and 14 or nil }
  end
  for i, stage in ipairs(kit.create_all("admin", "stage", list)) do stages[STAGES[i][1]] = stage end
  return stages
end

-- Every other deal comes in by the first stage and is moved on, the others where they stand.
local function begins(i, one)
  if i % 2 == 1 and one[4] ~= "lost" then return "s1" end
  return #one[4] == 2 and one[4] or "s4"
end

local WAY = { s1 = {}, s2 = { "s2" }, s3 = { "s2", "s3" }, s4 = { "s2", "s3", "s4" } }

local function go_on(i, one, deal, stages)
  local way = begins(i, one) == "s1" and (WAY[one[4]] or WAY.s4) or {}
  for _, stage in ipairs(way) do
    kit.act(deal.owner, "opportunity", deal.id, "move", { stage = stages[stage] })
  end
  if one[4] == "lost" then
    kit.act(deal.owner, "opportunity", deal.id, "lose", { reason = "price", note = "对手低价中标" })
  elseif one[4] == "won" then
    kit.act(deal.owner, "opportunity", deal.id, "win")
  end
end

local function deals_of(stages, list, accounts)
  local deals, lines = {}, {}
  for i, one in ipairs(DEALS) do
    local account = accounts[i]
    local opened = one[5] - 70 < -7 and one[5] - 70 or -7
    deals[i] = { owner = account.owner, name = one[1], account = account.id, fields = {
      name = one[1], account = account.id, pipeline = stages.id, stage = stages[begins(i, one)],
      expected_close_on = kit.day(one[5]), opened_on = kit.day(opened), source = "referral",
      next_contact_at = i % 4 == 1 and kit.at(-(i % 3), "11:00") or nil,
      priority = i % 3 == 0 and "high" or "normal", next_step = "约见信息主管，确认范围与预算" } }
  end
  for i, id in ipairs(kit.create_owned("opportunity", deals)) do
    local product = DEALS[i][2]
    deals[i].id = id
    lines[i] = { owner = deals[i].owner, fields = { name = PRODUCTS[product][1], opportunity = id,
      product = list[product], quantity = tostring(DEALS[i][3]),
      price = kit.yuan(PRODUCTS[product][5]), discount = i % 4 == 0 and "8" or "0", tax = "6" } }
  end
  kit.create_owned("opportunity_line", lines)
  for i, one in ipairs(DEALS) do go_on(i, one, deals[i], stages) end
  return deals
end

local function around(deals)
  local first, targets = deals[9], {}
  kit.create(first.owner, "opportunity_competitor", { name = "云帆软件", opportunity = first.id,
    strength = "价格低，本地团队大", price = kit.yuan(168000) })
  for i, owner in ipairs(SELLERS) do
    targets[i] = { name = "本月销售目标 " .. owner, user = sales.users[owner],
      month = kit.day(0):gsub("%d%d$", "01"), kind = "sales", amount = kit.yuan(100000 * (i + 1)) }
  end
  kit.create_all("admin", "target", targets)
end

local THINGS = {
  { "回访方案意见", "call", 0, "10:00" }, { "上门演示", "visit", 0, "14:30" },
  { "发送报价单", "mail", 0, "17:00" }, { "确认合同条款", "call", 1, "09:30" },
  { "准备投标文件", "other", 2, "18:00" }, { "催收第二期款", "call", -1, "16:00" },
}

local function work(deals)
  local tasks, visits = {}, {}
  for i, deal in ipairs(deals) do
    local one, about = THINGS[(i - 1) % #THINGS + 1], { entity = "opportunity", id = deal.id }
    tasks[i] = { owner = deal.owner, fields = { subject = one[1] .. "：" .. deal.name, type = one[2],
      due_at = kit.at(one[3], one[4]), remind_at = kit.at(one[3], "08:30"), about = about,
      priority = i % 4 == 0 and "high" or "normal", account = deal.account } }
    visits[i] = { owner = deal.owner, fields = { subject = "拜访客户：" .. deal.name, type = "visit",
      about = about, account = deal.account, minutes = 90, result = "interested",
      happened_at = kit.at(-(i % 9) - 1, "15:00"),
      content = "与信息主管和采购经理会面，对方关注上线周期与数据迁移，已约定下周再谈。" } }
  end
  kit.create_owned("task", tasks)
  kit.create_owned("activity", visits)
end

local PLACES = { "苏州", "无锡", "宁波", "绍兴", "佛山", "东莞", "合肥", "常州", "嘉兴", "温州", "厦门",
  "长沙", "郑州", "济南", "青岛" }
local WORDS = { "锐捷精密机械", "康桥医疗器械", "天朗物流", "百味食品", "智谷教育科技" }
local NAMES = { "王建国", "林晓梅", "黄志强", "吴佳", "郑国华", "唐颖", "许志远", "邓丽华" }

-- Each seller registers the customers of the deals; so they are theirs.
local function customers(count)
  local list, contacts = {}, {}
  for i = 1, count do
    list[i] = { owner = SELLERS[(i - 1) % #SELLERS + 1], fields = {
      name = PLACES[i] .. WORDS[(i - 1) % #WORDS + 1] .. "有限公司",
      status = i > 10 and "customer" or "interested", level = ({ "a", "b", "c" })[i % 3 + 1],
      phone = string.format("0512-%08d", 62110000 + i * 137) } }
  end
  for i, id in ipairs(kit.create_owned("account", list)) do
    list[i].id = id
    contacts[i] = { owner = list[i].owner, fields = { name = NAMES[(i - 1) % #NAMES + 1],
      account = id, title = "信息主管", role = "decision", is_main = true,
      phones = { string.format("1380512%04d", 1000 + i * 37) } } }
  end
  for i, id in ipairs(kit.create_owned("contact", contacts)) do list[i].contact = id end
  for _, pair in ipairs { { 4, 1 }, { 7, 1 }, { 10, 7 }, { 5, 2 }, { 8, 2 } } do -- groups of them
    local below, above = list[pair[1]], list[pair[2]]
    kit.change(below.owner, "account", below.id, { parent = above.id })
  end
  return list
end

-- Whom each seller has to call today; the first of them has waited since yesterday.
local function calls(users)
  for _, owner in ipairs(SELLERS) do
    local ids = kit.ids("admin", "lead", "status=working&owner=" .. users[owner])
    for i = 1, math.min(3, #ids) do
      local at = kit.at(i == 1 and -1 or 0, "1" .. i .. ":30")
      kit.change(owner, "lead", ids[i], { next_contact_at = at })
    end
  end
end

-- Gives the customers, for the contracts.
function sales.make(users)
  sales.users = users
  local list = customers(#DEALS)
  local deals = deals_of(pipeline(), products(), list)
  around(deals)
  work(deals)
  calls(users)
  return list
end

return sales
