-- lists - what price lists and their prices have to satisfy.
-- SPDX-License-Identifier: MIT
local lists = {}

function lists.check(ev)
  local list = ev.record
  if list.valid_from and list.valid_to and list.valid_to < list.valid_from then
    ev:fail("valid_to", "@list_days")
  end
end

function lists.label(ev, ctx)
  local item = ev.record
  local product = item.product and ctx.db:as_system().product:get(item.product)
  if product then item.label = product.name end
end

function lists.check_item(ev, ctx)
  local item, db = ev.record, ctx.db:as_system()
  if not item.price and not item.discount then ev:fail("price", "@item_price") end
  local list = db.price_list:get(item.price_list)
  if list and list.currency and item.price and item.price.currency ~= list.currency then
    ev:fail("price", "@list_currency", { currency = list.currency })
  end
  for _, other in ipairs(db.price_list_item:find {
    where = { price_list = item.price_list, product = item.product }, limit = 100,
  }) do
    if other.id ~= item.id and other.min_quantity == item.min_quantity then
      return ev:fail("min_quantity", "@item_again")
    end
  end
end

return lists
