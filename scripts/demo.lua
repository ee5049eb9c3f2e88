-- demo - writes the CSV files of the demo company into a folder.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/demo.lua FOLDER [LEADS]
-- The same files every time (own generator, fixed seed), so that a demo can be talked about.
local folder = assert(arg[1], "usage: demo.lua FOLDER")
os.execute("mkdir -p '" .. folder:gsub("'", "'\\''") .. "'")

local SURNAMES = { "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡",
  "郭", "何", "林", "罗", "高", "郑", "梁", "谢", "宋", "唐", "许", "邓", "韩", "冯", "曹", "曾", "彭", "单", "仇" }
local GIVEN = { "伟", "芳", "娜", "敏", "静", "秀英", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛",
  "明", "超", "秀兰", "霞", "平", "刚", "桂英", "文博", "子涵", "思远", "雨桐", "浩然", "欣怡", "俊杰", "梓轩", "佳怡" }
local PLACES = { "北京", "上海", "深圳", "杭州", "成都", "苏州", "武汉", "西安", "青岛", "重庆", "南京", "厦门" }
local WORDS = { "远景", "华信", "中科", "天元", "恒通", "瑞丰", "博雅", "锦程", "启明", "新桥", "海川", "蓝图",
  "云帆", "正泰", "金石", "汇智" }
local KINDS = { { "医疗器械", "medical" }, { "精密制造", "manufacturing" }, { "软件", "it" },
  { "教育科技", "education" }, { "零售", "retail" }, { "物流", "logistics" }, { "金融服务", "finance" } }
local TITLES = { "采购经理", "总经理", "技术总监", "信息主管", "行政经理", "运营总监", "财务经理" }
local SOURCES = { "website", "referral", "event", "search", "social", "phone", "partner" }
local STATUSES = { "new", "new", "assigned", "working", "working", "qualified", "recycled" }
local OWNERS = { "zhang.wei", "li.na", "zhou.tao", "wang.fang", "" }
local AGENTS = { "liu.min", "zhao.lei", "sun.yan", "" }

-- MINSTD: small, exact in integers, the same on every machine.
local seed = 20260101
local function random(n)
  seed = seed * 48271 % 2147483647
  return seed % n + 1
end

local function pick(list)
  return list[random(#list)]
end

local function write(name, heading, rows)
  local file = assert(io.open(folder .. "/" .. name, "w"))
  file:write(heading, "\n", table.concat(rows, "\n"), "\n")
  file:close()
end

local function phone()
  return string.format("1%d%08d", 30 + random(60), random(99999999))
end

local function company(i)
  local place, word, kind = pick(PLACES), WORDS[i % #WORDS + 1], pick(KINDS)
  return place .. word .. kind[1] .. "有限公司", kind[2]
end

-- login, roles, name, team, department
local STAFF = {
  { "admin", "admin+integrator", "系统管理员", "", "总部" },
  { "zhang.wei", "sales", "张伟", "华东组", "销售部" },
  { "li.na", "sales", "李娜", "华东组", "销售部" },
  { "zhou.tao", "sales", "周涛", "华北组", "销售部" },
  { "wang.fang", "sales_manager", "王芳", "华北组", "销售部" },
  { "xu.li", "finance+approver", "徐丽", "", "财务部" },
  { "liu.min", "service_agent", "刘敏", "热线组", "服务部" },
  { "zhao.lei", "service_agent", "赵磊", "热线组", "服务部" },
  { "sun.yan", "service_manager", "孙燕", "热线组", "服务部" },
  { "he.xin", "store_clerk+loyalty_clerk", "何欣", "", "中关村店" },
  { "gao.feng", "store_manager+loyalty_manager", "高峰", "", "门店部" },
  { "chen.jing", "viewer", "陈静", "", "市场部" },
}

local function people()
  local logins, users = {}, {}
  for i, one in ipairs(STAFF) do
    logins[i] = one[1] .. "," .. one[2] .. "," .. one[3]
    users[i] = one[1] .. "," .. one[4] .. "," .. one[5]
  end
  local file = assert(io.open(folder .. "/logins.txt", "w"))
  file:write(table.concat(logins, "\n"), "\n")
  file:close()
  write("department.csv", "name,parent", { "总部,", "销售部,总部", "市场部,总部", "财务部,总部",
    "服务部,总部", "门店部,总部", "中关村店,门店部", "徐家汇店,门店部", "天河店,门店部" })
  write("team.csv", "name", { "华东组", "华北组", "热线组" })
  write("user.csv", "login,team,department", users)
end

local function accounts(count)
  local names, rows, seen = {}, {}, {}
  while #names < count do
    local name, industry = company(#names)
    if not seen[name] then
      seen[name] = true
      names[#names + 1] = name
      rows[#rows + 1] = string.format("%s,%s,0%d-%08d,%d", name, industry, 20 + random(9),
        random(99999999), random(5000) * 10000)
    end
  end
  write("account.csv", "name,industry,phone,annual_revenue", rows)
  return names
end

local function contacts(count, names)
  local rows = {}
  for i = 1, count do
    local name = pick(SURNAMES) .. pick(GIVEN)
    rows[i] = string.format("%s,%s,%s,%s,user%d@example.com", name, pick(names), pick(TITLES),
      phone(), i)
  end
  write("contact.csv", "name,account,title,phones,emails", rows)
end

local function leads(count)
  local rows = { "张伟,上海启明软件有限公司,采购经理,13800138000,zhangwei@example.com,"
    .. "website,86000.00,zhang.wei,working" }
  for i = 2, count do
    local name = pick(SURNAMES) .. pick(GIVEN)
    local owner = pick(OWNERS)
    rows[i] = string.format("%s,%s,%s,%s,lead%d@example.com,%s,%d.00,%s,%s", name, (company(i)),
      pick(TITLES), phone(), i, pick(SOURCES), random(500) * 1000, owner,
      owner == "" and "new" or pick(STATUSES))
  end
  write("lead.csv", "name,company,title,phones,emails,source,estimated_amount,owner,status", rows)
end

-- --- members of a shop ---

local DAY = 86400
local function day(ago) return os.date("!%Y-%m-%d", os.time() - ago * DAY) end

local function members(count)
  write("program.csv",
    "name,point_name,points_per_unit,expiry,expiry_span,point_value,transfer_allowed",
    { "远望会员,积分,1,days,365,0.01,true" })
  write("tier.csv", "name,program,threshold,multiplier,discount", {
    "普通会员,远望会员,0,1,0", "银卡会员,远望会员,1000,1.2,2", "金卡会员,远望会员,5000,1.5,5",
    "钻石会员,远望会员,20000,2,10" })
  write("earning_rule.csv", "name,program,kind,event,points,multiplier", {
    "注册礼,远望会员,bonus,sign_up,100,", "首单礼,远望会员,bonus,first_purchase,50,",
    "推荐礼,远望会员,bonus,referral,200,", "每单加赠,远望会员,per_order,,5," })
  write("reward.csv", "name,program,kind,points,stock,worth", {
    "保温杯,远望会员,gift,800,120,59.00", "十元代金券,远望会员,coupon,1000,,10.00",
    "旅行箱,远望会员,gift,12000,8,399.00", "免费安装服务,远望会员,service,3000,,150.00" })
  local rows = {}
  for i = 1, count do
    rows[i] = string.format("%s,远望会员,K%05d,%s,%s", pick(SURNAMES) .. pick(GIVEN), i, phone(),
      day(300 + random(500)))
  end
  write("member.csv", "name,program,customer_no,phone,enrolled_on", rows)
  local bought, stores = {}, { "中关村店", "徐家汇店", "天河店", "网上商城" }
  for i = 1, count * 2 do
    bought[i] = string.format("D%06d,K%05d,%s,%d.%02d,%d,%s", i, random(count), day(random(420)),
      20 + random(random(40) == 1 and 6000 or 600), random(100) - 1, random(4), pick(stores))
  end
  write("purchase.csv", "number,member,bought_on,amount,quantity,store", bought)
end

-- --- a service desk ---

local HOURS = [["{""mon"":H,""tue"":H,""wed"":H,""thu"":H,""fri"":H}"]]
local PROBLEMS = { { "设备无法开机", "incident" }, { "发票抬头需要修改", "request" },
  { "系统登录不上", "incident" }, { "产品报价咨询", "question" }, { "配件少发了一件", "complaint" },
  { "维修进度查询", "question" }, { "导出报表出错", "incident" }, { "希望上门安装", "request" },
  { "退货申请", "refund" }, { "售后态度投诉", "complaint" } }

local function service(count)
  local hours = HOURS:gsub("H", '[""09:00-12:00"",""13:30-18:00""]')
  write("calendar.csv", "name,zone,week,is_default", { "工作日,Asia/Shanghai," .. hours .. ",true" })
  write("sla_policy.csv", "name,order,calendar,warn_percent,match", {
    '投诉优先,10,工作日,70,"{""type"":""complaint""}"', "标准服务,100,工作日,80," })
  local targets = {}
  for _, policy in ipairs { { "投诉优先", 30, 240 }, { "标准服务", 120, 1080 } } do
    for i, priority in ipairs { "urgent", "high", "normal", "low" } do
      targets[#targets + 1] = string.format("%s,%s,%d,%d,%d", policy[1], priority, policy[2] * i,
        policy[2] * i * 2, policy[3] * i)
    end
  end
  write("sla_target.csv", "policy,priority,first_response,next_response,resolution", targets)
  local rows = {}
  local states = { "new", "new", "open", "open", "open", "waiting_customer", "resolved", "closed" }
  for i = 1, count do
    local problem, ago = pick(PROBLEMS), random(200) * 3600
    rows[i] = string.format("%s,%s,%s,%s,%s,%s,%s,%s,%s", problem[1], problem[2],
      pick { "low", "normal", "normal", "high", "urgent" },
      pick { "phone", "mail", "wechat", "portal" },
      pick(SURNAMES) .. pick(GIVEN), phone(), pick(states), pick(AGENTS),
      os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - ago))
  end
  write("ticket.csv",
    "subject,type,priority,channel,requester_name,requester_phone,status,owner,received_at", rows)
  write("article.csv", "title,body,state,audience,products,category", {
    "如何重置密码,<p>在登录页点击忘记密码，按短信提示操作。</p>,published,customer,系统,account",
    "退换货规则,<p>签收七天内可无理由退货，十五天内可换货。</p>,published,customer,商城,return",
    "设备无法开机的排查步骤,<p>检查电源、保险丝与急停按钮，再联系工程师。</p>,published,internal,设备,product",
    "投诉处理流程,<p>三十分钟内响应，四小时内给出方案。</p>,review,internal,服务,other" })
end

people()
contacts(600, accounts(240))
leads(tonumber(arg[2]) or 1500)
members(300)
service(120)
