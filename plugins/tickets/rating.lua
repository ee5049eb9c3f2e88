-- rating - the customer says how it was, through a link that only they have.
-- SPDX-License-Identifier: MIT
local rating = {}

local function store(db, id, score, text)
  assert(db.ticket:update(id, { score = score, score_text = text }))
end

local function is_score(score)
  return math.type(score) == "integer" and score >= 1 and score <= 5
end

-- POST …/ticket/{id}/actions/rate { score, text }: taken down by an agent, on the phone.
function rating.rate(ev, ctx)
  if not is_score(ev.params.score) then return ev:fail("score", "@score_range") end
  store(ctx.db:as_system(), ev.record.id, ev.params.score, ev.params.text)
  return { score = ev.params.score }
end

return rating
