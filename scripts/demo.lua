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
local OWNERS = { "zhang.wei", "li.na", "wang.fang", "" }

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

local function people()
  local file = assert(io.open(folder .. "/logins.txt", "w"))
  file:write("admin,admin,系统管理员\nzhang.wei,sales,张伟\nli.na,sales,李娜\n",
    "wang.fang,sales_manager,王芳\nchen.jing,viewer,陈静\n")
  file:close()
  write("department.csv", "name,parent", { "总部,", "销售部,总部", "市场部,总部" })
  write("team.csv", "name", { "华东组", "华北组" })
  write("user.csv", "login,team,department", { "zhang.wei,华东组,销售部", "li.na,华东组,销售部",
    "wang.fang,华北组,销售部", "chen.jing,,市场部" })
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

people()
contacts(600, accounts(240))
leads(tonumber(arg[2]) or 2000)
