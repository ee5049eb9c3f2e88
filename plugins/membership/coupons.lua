-- coupons - codes that are worth something: issued one by one or in batches, used, ended.
-- SPDX-License-Identifier: MIT
local asked = require("asked")

local coupons = {}

local COUNT_MAX = 100000 -- of one batch
local CHUNK = 20 -- of one transaction

local function in_time(from, to, day)
  return (not from or from <= day) and (not to or day <= to)
end

-- Eighty random bits, in groups that can be read aloud.
local function new_code()
  return (crm.token():sub(1, 20):upper():gsub("(.....)", "%1-"):sub(1, 23))
end

function coupons.issue(ctx, fields)
  fields.code = new_code()
  local coupon = assert(ctx.db:as_system().coupon:insert(fields))
  ctx.emit("coupon.issued", {
    coupon = coupon.id, member = fields.member, batch = fields.batch,
  })
  return coupon
end

-- --- batches ---

local function whole(value) return math.type(value) == "integer" and value > 0 end

local function day_of(text)
  if text == nil then return nil, true end
  local ok, day = pcall(crm.date, text)
  return ok and day or nil, ok
end

local function worth_of(params)
  local money, percent = params.worth, params.discount
  if (money == nil) == (percent == nil) then return nil end
  local ok = pcall(money and crm.money or crm.decimal, money or percent)
  return ok and { worth = money, discount = percent } or nil
end

-- POST …/program/{id}/actions/issue_coupons { batch, count, worth | discount, valid_from, valid_to,
-- uses_max, per_member }: a job makes them, each with a code that nobody can guess.
function coupons.issue_batch(ev, ctx)
  local params = ev.params
  if type(params.batch) ~= "string" or params.batch == "" or utf8.len(params.batch) > 60 then
    return ev:fail("batch", "@coupon_batch")
  end
  if not whole(params.count) or params.count > COUNT_MAX then
    return ev:fail("count", "@coupon_count", { max = COUNT_MAX })
  end
  local worth = worth_of(params)
  if not worth then return ev:fail("worth", "@coupon_worth") end
  local from, from_ok = day_of(params.valid_from)
  local to, to_ok = day_of(params.valid_to)
  if not from_ok or not to_ok or from and to and to < from then
    return ev:fail("valid_to", "@coupon_dates")
  end
  for _, name in ipairs { "uses_max", "per_member" } do
    if params[name] ~= nil and not whole(params[name]) then
      return ev:fail(name, "@coupon_uses")
    end
  end
  local job = ctx.queue:push("issue_coupons", {
    program = crm.id_text(ev.record.id), batch = params.batch, count = params.count,
    worth = worth.worth, discount = worth.discount, valid_from = params.valid_from,
    valid_to = params.valid_to, uses_max = params.uses_max, per_member = params.per_member,
  })
  return { job = crm.id_text(job), count = params.count }
end

local function chunk(ctx, args, from, to)
  for _ = from, to do
    coupons.issue(ctx, {
      program = crm.id_parse(args.program), batch = args.batch,
      worth = args.worth and crm.money(args.worth),
      discount = args.discount and crm.decimal(args.discount),
      valid_from = args.valid_from and crm.date(args.valid_from),
      valid_to = args.valid_to and crm.date(args.valid_to),
      uses_max = args.uses_max or 1, per_member = args.per_member or 1,
    })
  end
end

-- Chunk by chunk; a chunk that was committed before a crash is known by its key.
function coupons.run_batch(job, ctx)
  local done = job.cursor or 0
  while done < job.args.count do
    local last = math.min(done + CHUNK, job.args.count)
    ctx.once(string.format("coupons:%s:%d", crm.id_text(job.id), done), function()
      chunk(ctx, job.args, done + 1, last)
    end)
    done = last
    job:progress(done * 100 // job.args.count)
    job:save(done)
  end
  return { issued = done }
end

-- --- using ---

-- POST …/coupon/{id}/actions/use { member, purchase }
function coupons.use(ev, ctx)
  local db, coupon, today = ctx.db:as_system(), ev.record, ctx.now():date()
  local who, purchase = asked.record(ev, "member", db.member),
    asked.record(ev, "purchase", db.purchase)
  if who == false or purchase == false then return end
  local member = who and who.id
  purchase = purchase and purchase.id
  if coupon.state ~= "issued" then return ev:fail("state", "@coupon_used") end
  if not in_time(coupon.valid_from, coupon.valid_to, today) then
    return ev:fail("valid_to", "@coupon_time")
  end
  if coupon.member and coupon.member ~= member then return ev:fail("member", "@coupon_member") end
  if member and coupon.per_member and db.coupon_use:count {
    where = { coupon = coupon.id, member = member },
  } >= coupon.per_member then
    return ev:fail("member", "@coupon_limit")
  end
  local uses = (coupon.uses or 0) + 1
  assert(db.coupon_use:insert {
    coupon = coupon.id, member = member, purchase = purchase, label = coupon.code,
  })
  assert(db.coupon:update(coupon.id, {
    uses = uses, used_on = today, state = uses >= coupon.uses_max and "used" or "issued",
  }))
  ctx.emit("coupon.used", { coupon = coupon.id, member = member, purchase = purchase })
  return { code = coupon.code, uses = uses, left = coupon.uses_max - uses }
end

-- Nobody used it in time.
function coupons.expire(job, ctx)
  job:each({
    entity = "coupon", as_system = true, batch = 50,
    where = { state = "issued", valid_to = { lt = ctx.now():date() } },
  }, function(coupon)
    assert(ctx.db:as_system().coupon:update(coupon.id, { state = "expired" }))
    ctx.emit("coupon.expired", { coupon = coupon.id })
  end)
end

return coupons
