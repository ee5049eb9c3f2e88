-- contacts - a customer's people go where the customer goes: those that its owner looked after.
-- SPDX-License-Identifier: MIT
local contacts = {}

local AT_ONCE = 100 -- that one transaction takes along; the others follow behind it

local function where_of(account, owner)
  return { account = account, owner = owner or crm.null }
end

-- before and owner: users, or nil for nobody.
function contacts.follow(ctx, kind, account, before, owner)
  if kind.entity ~= "account" or before == owner then return end
  local sheet = ctx.db:as_system().contact
  local list = sheet:find { where = where_of(account, before), order = "id", limit = AT_ONCE + 1 }
  for index, contact in ipairs(list) do
    if index > AT_ONCE then break end
    sheet:update(contact.id, { owner = owner or crm.null }) -- what refuses stays where it is
  end
  if #list <= AT_ONCE then return end
  local id = crm.id_text(account)
  ctx.queue:push("contacts", {
    account = id, from = before and crm.id_text(before), to = owner and crm.id_text(owner),
  }, { key = "contacts:" .. id, again = true })
end

-- The rest of them.
function contacts.run(job, ctx)
  local sheet, args = ctx.db:as_system().contact, job.args
  local owner = args.to and crm.id_parse(args.to) or crm.null
  job:each({
    entity = "contact", as_system = true, batch = AT_ONCE,
    where = where_of(crm.id_parse(args.account), args.from and crm.id_parse(args.from)),
  }, function(contact) sheet:update(contact.id, { owner = owner }) end)
end

return contacts
