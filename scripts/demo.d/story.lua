-- story - a few months of the demo company's work, done by its people on a running server.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/demo.d/story.lua URL FOLDER <PASSWORD
-- FOLDER is for files that are sent.
package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua"
local kit = require("kit")
local contracts = require("contracts")
local pools = require("pools")
local sales = require("sales")
local service = require("service")
local shop = require("shop")

kit.url, kit.folder = assert(arg[1]), assert(arg[2])
kit.password = assert(io.read("l"))

local users = {}
local answer = kit.call("admin", "GET", "/admin/users?limit=200")
for one in answer:gmatch('{"id":.-"login":"[^"]+"') do
  users[one:match('"login":"([^"]+)"')] = one:match('"id":"(%w+)"')
end
local function led(login, by)
  kit.call("admin", "PATCH", "/admin/users/" .. users[login], { manager = users[by] })
end
for _, login in ipairs { "zhang.wei", "li.na", "zhou.tao" } do led(login, "wang.fang") end
for _, login in ipairs { "liu.min", "zhao.lei" } do led(login, "sun.yan") end
led("he.xin", "gao.feng")

local hook = service.integrations(users)
local customers = sales.make(users)
contracts.make(customers, users)
pools.make(users, customers)
service.make(users)
service.erp_goes(hook, kit.ids("admin", "opportunity", "kind=open&sort=-created_at"))
shop.make()
service.erp_ends(hook)
