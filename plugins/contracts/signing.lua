-- signing - both sides sign the same document, and performance begins.
-- SPDX-License-Identifier: MIT
local plans = require("plans")
local sums = require("sums")

local signing = {}

-- The document that is signed: the one that is named, else the last; the other side's, once there.
local function document_of(ev, db, other)
  local given = sums.text(ev.params.document)
  local id = given and crm.id_parse(given)
  local document = id and db.contract_document:get(id)
  if not given then
    document = other and other.document and db.contract_document:get(other.document)
      or db.contract_document:find {
        where = { contract = ev.record.id }, order = "-version_no", limit = 1,
      }[1]
  end
  if not document or document.contract ~= ev.record.id then
    return ev:fail("document", "@document_needed")
  end
  if other and other.document ~= document.id then
    return ev:fail("document", "@other_document")
  end
  return document
end

-- POST …/contract/{id}/actions/sign { side, name, document }: who, when, from where, and the hash
-- of what was signed.
function signing.sign(ev, ctx)
  local db, side = ctx.db:as_system(), ev.params.side
  local contract, name = db.contract:get(ev.record.id), sums.text(ev.params.name)
  if contract.stage ~= "pending_sign" then return ev:fail("stage", "@not_to_sign") end
  if side ~= "ours" and side ~= "customer" then return ev:fail("side", "@side_needed") end
  if not name then return ev:fail("name", "@name_needed") end
  local signatures = db.contract_signature:find { where = { contract = contract.id } }
  for _, one in ipairs(signatures) do
    if one.side == side then return ev:fail("side", "@side_signed") end
  end
  local document = document_of(ev, db, signatures[1])
  if not document then return nil end
  assert(db.contract_signature:insert {
    contract = contract.id, side = side, name = name, signed_at = ctx.now(),
    address = ctx.address, document = document.id, sha256 = document.sha256,
    recorded_by = ctx.user and ctx.user.id,
  })
  if #signatures == 1 then
    assert(db.contract:update(contract.id, {
      stage = "signed", signed_on = ctx.now():date(), amount_original = contract.total,
    }))
    ctx.emit("contract.signed", { contract = contract.id })
  end
  return { stage = db.contract:get(contract.id).stage, sha256 = document.sha256 }
end

-- POST …/contract/{id}/actions/activate
function signing.activate(ev, ctx)
  local db = ctx.db:as_system()
  local contract = db.contract:get(ev.record.id)
  if contract.stage ~= "signed" then return ev:fail("stage", "@not_signed") end
  assert(db.contract:update(contract.id, { stage = "performing" }))
  plans.refresh_all(ctx, db, contract.id)
  ctx.emit("contract.activated", { contract = contract.id })
  return { stage = "performing" }
end

return signing
