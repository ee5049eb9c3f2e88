-- match - records that look like a half-filled one.
-- SPDX-License-Identifier: MIT
--
-- The rules stand in the entity's declaration ("duplicates"): fields that must all agree, a score
-- and a reason. Each rule is one question to the store that begins at the search index, so a check
-- costs the same with ten records and with ten million. Other plugins offer their own entities the
-- same way: crm.service("lead.match", match.service("lead")).
local merging = require("merging")

local match = {}

local CANDIDATES = 20 -- of one rule and one value
local VALUES = 5 -- of one list: whoever sends hundreds of phones asks for something else
local SCORE_DEFAULT = 60
local SCORE_MORE = 5 -- for each further rule that agrees

-- A value as a list of what it is made of: { "a" } for "a", the items of a list, {} for nothing.
function match.values(value)
  if value == nil or value == crm.null or value == "" then return {} end
  if type(value) == "string" or type(value) == "number" then return { value } end
  local list = {}
  for _, item in ipairs(value) do list[#list + 1] = item end
  return list
end

-- Several rules that agree say more than the best of them, but never more than certain.
function match.combine(scores)
  local best = 0
  for _, score in ipairs(scores) do best = math.max(best, score) end
  return math.min(100, best + SCORE_MORE * (#scores - 1))
end

-- Best first; of equals the older one, which is more likely to stay.
function match.rank(a, b)
  if a.score ~= b.score then return a.score > b.score end
  return a.id < b.id
end

-- The questions of a rule about a record: none while one of its fields is empty, one for each value
-- of its first field, which carries the search words.
function match.questions(rule, fields, given)
  local where = {}
  for index = 2, #rule.fields do
    local name = rule.fields[index]
    local value = match.values(given[name])[1]
    if value == nil then return {} end
    where[name] = value
  end
  local first, questions = rule.fields[1], {}
  local field = fields[first]
  for index, value in ipairs(match.values(given[first])) do
    if index > VALUES then break end
    local question = { where = {} }
    for name, other in pairs(where) do question.where[name] = other end
    if field.is_folded then
      question.folded = tostring(value):lower()
    else
      question.where[first] = field.is_list and { has = value } or value
    end
    if field.search then question.q = tostring(value) end
    question.limit = CANDIDATES
    questions[#questions + 1] = question
  end
  return questions
end

local function fields_of(declared)
  local fields = {}
  for _, field in ipairs(declared.fields) do
    fields[field.name] = {
      search = field.search,
      -- Mail reaches Ann@x.example and ann@x.example alike: found by search, compared folded.
      is_folded = field.type == "email" and field.search,
      is_list = field.multiple or field.type == "tags" or field.type == "multienum",
    }
  end
  return fields
end

-- Is one of the values the folded one?
function match.has_folded(value, folded)
  for _, item in ipairs(match.values(value)) do
    if tostring(item):lower() == folded then return true end
  end
  return false
end

-- The records that a question's answer consists of. A value that is no phone number, say, is
-- refused by the store: then nothing is like it. Merged ones stand for what they have become.
local function answers(sheet, rule, question, redirects)
  local folded, records = question.folded, {}
  question.folded = nil
  for _, record in ipairs(sheet:find(question) or {}) do
    if not folded or match.has_folded(record[rule.fields[1]], folded) then
      records[#records + 1] = redirects and merging.survivor(sheet, record) or record
    end
  end
  return records
end

-- Adds the rule's records to `found` (id -> candidate).
local function ask(sheet, declared, fields, rule, given, ctx, found)
  for _, question in ipairs(match.questions(rule, fields, given)) do
    for _, record in ipairs(answers(sheet, rule, question, fields.duplicate_of)) do
      local candidate = found[record.id]
      if not candidate then
        candidate = { title = record[declared.title], scores = {}, reasons = {}, rules = {} }
        found[record.id] = candidate
      end
      if rule.hint then
        candidate.hint = { score = rule.score, reason = ctx.t(rule.reason) }
      elseif not candidate.rules[rule.reason] then
        candidate.rules[rule.reason] = true
        table.insert(candidate.scores, rule.score)
        table.insert(candidate.reasons, ctx.t(rule.reason))
      end
    end
  end
end

-- A service that answers { items = { { id, title, score, reasons } } } for the fields of a record;
-- its own "id", when it has one, is left out. What only a hint speaks for ("hint": the same name)
-- is shown to who types, however low its score, and never taken for the same. It finds what whoever
-- asks may see; with as_system, what there is: for code that takes in what comes from outside and
-- shows nobody what it found.
function match.service(entity, options)
  local declared = crm.entity(entity)
  local fields = fields_of(declared)
  local rules = declared.duplicates or {}

  return function(given, ctx)
    local db = options and options.as_system and ctx.db:as_system() or ctx.db
    local found, items = {}, {}
    for _, rule in ipairs(rules) do
      if not (rule.hint and options and options.as_system) then
        ask(db[entity], declared, fields, rule, given, ctx, found)
      end
    end
    for id, candidate in pairs(found) do
      local text, hint = crm.id_text(id), candidate.hint
      local is_hint = #candidate.scores == 0
      local score = is_hint and hint.score or match.combine(candidate.scores)
      local most = ctx.config.duplicate_score or SCORE_DEFAULT
      if (is_hint or score >= most) and text ~= given.id then
        items[#items + 1] = {
          id = text,
          title = candidate.title,
          score = score,
          reasons = is_hint and { hint.reason } or candidate.reasons,
        }
      end
    end
    table.sort(items, match.rank)
    return { items = items }
  end
end

return match
