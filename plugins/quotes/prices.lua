-- prices - what a product costs a customer today, and which list says so.
-- SPDX-License-Identifier: MIT
local prices = {}

local LISTS = 50

-- How closely a list fits: its customer says more than a level, a level more than a region.
local function rank(list)
  return (list.account and 4 or 0) + (list.level and 2 or 0) + (list.region and 1 or 0)
end

local function lists_for(db, asked, today)
  local account = asked.account and db.account:get(asked.account)
  local region = asked.region or account and account.region
  local level = account and account.level
  local found = {}
  for _, list in ipairs(db.price_list:find {
    where = {
      enabled = true,
      ["and"] = {
        { ["or"] = { { valid_from = crm.null }, { valid_from = { lte = today } } } },
        { ["or"] = { { valid_to = crm.null }, { valid_to = { gte = today } } } },
        { ["or"] = { { account = crm.null }, account and { account = account.id } or nil } },
        { ["or"] = { { region = crm.null }, region and { region = region } or nil } },
        { ["or"] = { { level = crm.null }, level and { level = level } or nil } },
      },
    },
    order = "order,id", limit = LISTS,
  }) do
    found[#found + 1] = { list = list, rank = rank(list), at = #found }
  end
  table.sort(found, function(a, b)
    if a.rank ~= b.rank then return a.rank > b.rank end
    return a.at < b.at
  end)
  return found
end

-- The price of the largest quantity that has been reached.
local function item_of(db, list, product, quantity)
  local best
  for _, item in ipairs(db.price_list_item:find {
    where = { price_list = list.id, product = product.id }, limit = 100,
  }) do
    local from = item.min_quantity or crm.decimal(0)
    if from <= quantity and (not best or from > best.min_quantity) then best = item end
  end
  return best
end

local function price_of(item, product)
  local price = item.price or product.price
  if not price or not item.discount then return price end
  return price * (crm.decimal(100) - item.discount):div(100, 6)
end

-- asked: product, account, region, quantity, on. Answers price, list and reasons; no price where
-- nothing says one. A company puts its own in place or around it.
function prices.find(asked, ctx)
  local db = ctx.db:as_system()
  local product = db.product:get(asked.product)
  if not product then return { reasons = {} } end
  local quantity = asked.quantity or crm.decimal(1)
  for _, found in ipairs(lists_for(db, asked, asked.on or ctx.now():date())) do
    local item = item_of(db, found.list, product, quantity)
    local price = item and price_of(item, product)
    if price then
      return {
        price = price, list = found.list.id,
        reasons = { ctx.t("@reason.list", { name = found.list.name }) },
      }
    end
  end
  return { price = product.price, reasons = { ctx.t("@reason.product") } }
end

-- POST …/product/{id}/actions/price { account, quantity }
function prices.ask(ev, ctx)
  local text, quantity, account = ev.params.quantity, crm.decimal(1), nil
  if text ~= nil then
    local fits, number = pcall(crm.decimal, text)
    if not fits then return ev:fail("quantity", "@bad_quantity") end
    quantity = number
  end
  if ev.params.account ~= nil then
    local id = type(ev.params.account) == "string" and crm.id_parse(ev.params.account)
    account = id and ctx.db.account:get(id)
    if not account then return ev:fail("account", "@bad_account") end
  end
  local found = ctx.call("price.find", {
    product = ev.record.id, account = account and account.id, quantity = quantity,
  })
  return {
    price = found.price, list = found.list and crm.id_text(found.list), reasons = found.reasons,
  }
end

return prices
