-- linking - another server of ours has written a record here, and says which of its own that is.
-- SPDX-License-Identifier: MIT
--
-- Where both sides have a connection to each other, each would take what the other has just written
-- for news and send it back. So a connection names the user (`peer`) whose key the other side uses
-- here: what that one writes is not pushed, and once the other side has told which of its records
-- it was, both know each other's.
local linking = {}

linking.options = {
  auth = "key", rate = "1200/m", summary = "The record just written is this one of ours",
  body = { entity = "text!", id = "id!", version = "int!", external_id = "text!",
    external_version = "text!" },
}

local function mappings(db, user, entity)
  local list = {}
  for _, connection in ipairs(db.connection:find { where = { peer = user }, limit = 20 }) do
    for _, map in ipairs(db.mapping:find {
      where = { connection = connection.id, entity_name = entity, active = true }, limit = 20,
    }) do
      list[#list + 1] = map
    end
  end
  return list
end

-- POST /x/integrations/link: { entity, id, version } are here, external_… over there.
function linking.link(req, ctx)
  local db, body = ctx.db:as_system(), req.body
  if not pcall(crm.entity, body.entity) or not ctx.db[body.entity]:get(body.id) then
    return req:fail("id", "@no_record")
  end
  local maps = mappings(db, ctx.user.id, body.entity)
  local id = crm.id_text(body.id)
  ctx.tx(function()
    for _, map in ipairs(maps) do
      local own = crm.id_text(map.id) .. ":"
      local fields = {
        our_version = body.version, their_version = body.external_version, synced_at = ctx.now(),
        external_id = body.external_id, their_key = own .. body.external_id,
      }
      local known = db.external_ref:find { where = { our_key = own .. id }, limit = 1 }[1]
      if known then
        assert(db.external_ref:update(known.id, fields))
      else
        fields.mapping, fields.entity_name, fields.record_id = map.id, body.entity, id
        fields.our_key = own .. id
        assert(db.external_ref:insert(fields))
      end
    end
  end)
  return { linked = #maps }
end

return linking
