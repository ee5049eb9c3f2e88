-- greetings - what is said to whom.
-- SPDX-License-Identifier: MIT
local greetings = {}

-- Plain values in, plain values out: this needs no server to be understood or tested.
function greetings.compose(word, name)
  return ("%s, %s!"):format(word, name)
end

function greetings.greet(ev, ctx)
  local greeting = ev.record
  if not greeting.name then return end -- the core asks for it
  greeting.text = greetings.compose(ctx.config.greeting, greeting.name)
end

function greetings.no_digits(ev)
  local name = ev.record.name
  if name and name:find("%d") then ev:fail("name", "@no_digits") end
end

return greetings
