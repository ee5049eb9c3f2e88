-- forms - what a ticket of a type has to say, and what customers are asked on the portal.
--
-- A form names fields of the ticket, a company's own too. What it requires is asked when a ticket
-- is made, except of letters, which are never lost for it, and of every ticket before it is solved.
-- SPDX-License-Identifier: MIT
local states = require("states")

local forms = {}

local type_of = type

local FIELDS_MAX = 60 -- of one form
local FORMS_MAX = 50

-- Types that people without an account can fill in by one line, and what its JSON is.
local ASKED = {
  text = "string", longtext = "string", enum = "string", dict = "string", email = "string",
  phone = "string", url = "string", date = "string", datetime = "string", decimal = "string",
  int = "integer", bool = "boolean",
}

-- The ticket's fields by their names, those of the company among them.
local function fields_of(ctx)
  local list = {}
  for _, field in ipairs(ctx.fields("ticket")) do list[field.name] = field end
  return list
end

-- A field that is worked out, set by the desk or kept from people is asked of nobody.
function forms.check_field(ev, ctx)
  local row = ev.record
  local field = row.field and fields_of(ctx)[row.field]
  if not field or field.readonly or field.hidden then
    return ev:fail("field", "@form_field", { name = row.field })
  end
  if row.portal and not ASKED[field.type] then ev:fail("portal", "@form_portal") end
end

-- One form of each type holds at a time.
function forms.check_form(ev, ctx)
  local form = ev.record
  if not form.active then return end
  local other = ctx.db:as_system().ticket_form:find {
    where = { type = form.type, active = true, id = { ne = form.id } }, limit = 1,
  }[1]
  if other then ev:fail("type", "@form_twice", { name = other.name }) end
end

function forms.of(db, type)
  return type and db.ticket_form:find { where = { type = type, active = true }, limit = 1 }[1]
end

local function rows_of(db, form)
  return db.ticket_form_field:find {
    where = { form = form }, order = "order,id", limit = FIELDS_MAX,
  }
end

-- Which form a ticket has: that of its type.
function forms.choose(ev, ctx)
  local ticket = ev.record
  if ev.old and not ev.changed("type") then return end
  local form = forms.of(ctx.db:as_system(), ticket.type)
  ticket.form = form and form.id
end

local function is_empty(value) return value == nil or value == "" end

-- What the form requires is there: of a new ticket, of another type, of what is solved, and none of
-- it is emptied later.
function forms.guard(ev, ctx)
  local ticket, old, db = ev.record, ev.old, ctx.db:as_system()
  if not ticket.form then return end
  local solved = ev.changed("status") and states.of(ticket.status) == "resolved"
  local all = solved or not old and ticket.channel ~= "mail" or old and ev.changed("type")
  local shown = not old and ticket.channel == "portal"
  if shown and not db.ticket_form:get(ticket.form).portal then return end
  local fields = fields_of(ctx)
  for _, row in ipairs(rows_of(db, ticket.form)) do
    local is_there = row.required and fields[row.field]
    local now = is_there and (all and (row.portal or not shown) or old and ev.changed(row.field))
    if now and is_empty(ticket[row.field]) then
      ev:fail(row.field, "@text_required")
    end
  end
end

-- --- the portal ---

local function told(field, row)
  if not field or not row.portal or not ASKED[field.type] then return nil end
  return {
    name = row.field, label = row.label or field.label, type = field.type, help = row.help,
    required = row.required or false, choices = field.choices,
  }
end

-- GET /x/tickets/forms: the types that have a form, and what each asks.
function forms.show(_, ctx)
  local db, items, all = ctx.db:as_system(), {}, fields_of(ctx)
  for i, form in ipairs(db.ticket_form:find {
    where = { active = true, portal = true }, order = "order,id", limit = FORMS_MAX,
  }) do
    local fields = {}
    for _, row in ipairs(rows_of(db, form.id)) do
      fields[#fields + 1] = told(all[row.field], row)
    end
    items[i] = {
      type = form.type, name = form.name, help = form.help, fields = fields,
    }
  end
  return { items = items }
end

-- GET /x/tickets/asked: what the console's form asks besides of a ticket of each type.
function forms.asked(_, ctx)
  local db, items, all = ctx.db:as_system(), {}, fields_of(ctx)
  for i, form in ipairs(db.ticket_form:find {
    where = { active = true }, order = "order,id", limit = FORMS_MAX,
  }) do
    local fields = {}
    for _, row in ipairs(rows_of(db, form.id)) do
      if all[row.field] then
        fields[#fields + 1] = {
          name = row.field, label = row.label, help = row.help,
          required_when = row.required and { channel = { ne = "mail" } } or nil,
        }
      end
    end
    items[i] = { when = { type = form.type }, label = form.name, help = form.help, fields = fields }
  end
  return { items = items }
end

-- What a request says in the fields of its form: { name = value }; nil after a refusal, told on the
-- field. What the form does not ask is not taken.
function forms.taken(req, ctx, type, given)
  local db, all = ctx.db:as_system(), fields_of(ctx)
  local form, values, fits = forms.of(db, type), {}, true
  local function refuse(name, key)
    fits = false
    req:fail(name, key)
  end
  for _, row in ipairs(form and form.portal and rows_of(db, form.id) or {}) do
    local field = row.portal and all[row.field]
    local value = field and given[row.field]
    if value == "" then value = nil end
    if field and row.required and value == nil then
      refuse(row.field, "@text_required")
    elseif value ~= nil and field then
      local kind = math.type(value) or type_of(value)
      if kind ~= ASKED[field.type] then
        refuse(row.field, "@form_value")
      else
        values[row.field] = value
      end
    end
  end
  return fits and values or nil
end

return forms
