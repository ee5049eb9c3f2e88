-- articles - knowledge: every text that was ever published stays readable, and fits are found.
-- SPDX-License-Identifier: MIT
local states = require("states")

local articles = {}

local TERMS_MAX = 12 -- asked of the search for one ticket
local SHOWN = 5

function articles.change(ev)
  local article = ev.record
  if ev.changed("title") or ev.changed("body") then
    article.version_no = (ev.old.version_no or 1) + 1
  end
end

function articles.keep(ev, ctx)
  if ev.old and not (ev.changed("title") or ev.changed("body")) then return end
  assert(ctx.db:as_system().article_version:insert {
    article = ev.record.id, version_no = ev.record.version_no or 1, title = ev.record.title,
    body = ev.record.body,
  })
end

function articles.moved(ev, ctx)
  if ev.to == "published" then ctx.emit("article.published", { article = ev.record.id }) end
end

-- POST …/article/{id}/actions/helpful
function articles.helpful(ev, ctx)
  local count = (ev.record.helpful or 0) + 1
  assert(ctx.db:as_system().article:update(ev.record.id, { helpful = count }))
  return { helpful = count }
end

-- --- finding ---

local STOP = { the = true, ["and"] = true, ["for"] = true, with = true, my = true, is = true }

-- What to search for: words, and pairs of characters where words are not written apart.
function articles.terms(text)
  local list, seen = {}, {}
  local function put(term)
    if #list < TERMS_MAX and not seen[term] then
      seen[term] = true
      list[#list + 1] = term
    end
  end
  for run in text:lower():gmatch("[%w\128-\255]+") do
    local last
    for word in run:gmatch("%w%w%w+") do
      if not STOP[word] then put(word) end
    end
    for character in run:gmatch("[\194-\244][\128-\191]+") do
      if last then put(last .. character) end
      last = character
    end
  end
  return list
end

local function is_open_on(article, day)
  return not article.expires_on or article.expires_on >= day
end

local BOUGHT_MAX = 20 -- purchases looked at

-- What the customer has bought, where there are cards: names of products as articles have them.
local function bought(ctx, db, contact)
  local names, known = {}, {}
  if not contact or not ctx.has("membership") then return names, known end
  for _, purchase in ipairs(db.purchase:find {
    where = { ["member.contact"] = contact }, order = "-bought_on", limit = BOUGHT_MAX,
  }) do
    for _, name in ipairs { purchase.sku or "", purchase.category or "" } do
      if name ~= "" and not known[name:lower()] then
        known[name:lower()], names[#names + 1] = true, name
      end
    end
  end
  return names, known
end

-- Published articles whose title, synonyms or products have words of a text, the best first; of
-- what the customer has bought before the rest.
function articles.find(db, text, product, audience, today, names, known)
  local scores, found, list = {}, {}, {}
  local where = { state = "published", audience = audience }
  for _, term in ipairs(articles.terms(text or "")) do
    for _, article in ipairs(db.article:find { where = where, q = term, limit = 20 }) do
      scores[article.id] = (scores[article.id] or 0) + 1
      found[article.id] = article
    end
  end
  for _, name in ipairs(names or {}) do
    for _, article in ipairs(db.article:find {
      where = { state = "published", audience = audience, products = { has = name } }, limit = 5,
    }) do
      scores[article.id], found[article.id] = scores[article.id] or 0, article
    end
  end
  for id, article in pairs(found) do
    for _, name in ipairs(article.products or {}) do
      if known and known[name:lower()] then scores[id] = scores[id] + 1 end
      if product and name:lower() == product:lower() then scores[id] = scores[id] + 3 end
    end
    if not today or is_open_on(article, today) then
      list[#list + 1] = { id = crm.id_text(id), title = article.title, score = scores[id] }
    end
  end
  table.sort(list, function(a, b)
    if a.score ~= b.score then return a.score > b.score end
    return a.id < b.id
  end)
  return { table.unpack(list, 1, SHOWN) }
end

-- argument: subject, product, audience, contact. A company may put its own answer around it.
function articles.suggest(argument, ctx)
  local db, today = ctx.db:as_system(), ctx.now():date()
  return {
    items = articles.find(db, argument.subject, argument.product, argument.audience, today,
      bought(ctx, db, argument.contact)),
  }
end

-- POST …/ticket/{id}/actions/suggest
function articles.for_ticket(ev, ctx)
  return ctx.call("article.suggest", {
    subject = ev.record.subject, product = ev.record.product, ticket = ev.record.id,
    contact = ev.record.contact,
  })
end

-- POST …/ticket/{id}/actions/use_article { article }: this is what helped.
function articles.use(ev, ctx)
  local db, id = ctx.db:as_system(), ev.params.article
  id = type(id) == "string" and crm.id_parse(id)
  local article = id and db.article:get(id)
  if not article or article.state ~= "published" then
    return ev:fail("article", "@article_unknown")
  end
  if states.of(ev.record.status) == "closed" then return ev:fail("status", "@ticket_closed") end
  assert(db.ticket:update(ev.record.id, { article = article.id }))
  assert(db.article:update(article.id, { views = (article.views or 0) + 1 }))
  ctx.emit("article.used", { article = article.id, ticket = ev.record.id })
  return { article = crm.id_text(article.id), title = article.title }
end

return articles
