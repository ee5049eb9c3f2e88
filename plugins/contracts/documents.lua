-- documents - a contract as a Word document, and what was signed by its hash.
-- SPDX-License-Identifier: MIT
local lines = require("lines")
local sums = require("sums")

local documents = {}

-- The hash is the file's own, so it cannot be made up, and the row never changes.
function documents.prepare(ev, ctx)
  local document, db = ev.record, ctx.db:as_system()
  if not document.file or not document.contract then return end
  local file = ctx.file(document.file)
  if not file then return ev:fail("file", "@no_file") end
  document.sha256, document.bytes = file.sha256, file.bytes
  document.version_no = db.contract_document:count {
    where = { contract = document.contract },
  } + 1
end

-- All fields of a record as a template may name them: what is empty is an empty text.
local function fields_of(entity, record)
  local data = record and crm.data(record) or {}
  for _, field in ipairs(crm.entity(entity).fields) do
    if data[field.name] == nil then data[field.name] = "" end
  end
  return data
end

-- The service contract.render: what a template is filled with: { contract } -> data.
function documents.render(argument, ctx)
  local contract, db = argument.contract, ctx.db:as_system()
  local account = db.account:get(contract.account)
  local signer = contract.customer_signer and db.contact:get(contract.customer_signer)
  local list, plan = {}, {}
  for i, line in ipairs(lines.rows(db, contract)) do
    list[i] = {
      no = i, name = line.name, sku = line.sku or "", quantity = line.quantity,
      unit = line.unit or "", unit_price = line.unit_price, amount = line.amount,
    }
  end
  for i, one in ipairs(db.payment_plan:find {
    where = { contract = contract.id, state = { ne = "void" } }, order = "due_on", limit = 120,
  }) do
    plan[i] = { no = i, due_on = one.due_on, amount = one.amount }
  end
  local data = fields_of("contract", contract)
  data.customer, data.signer = fields_of("account", account), fields_of("contact", signer)
  data.company, data.lines, data.plans = ctx.tenant.title, list, plan
  data.today = ctx.now():date()
  return data
end

-- POST …/contract/{id}/actions/generate { template }: a job; the document appears when it is done.
function documents.generate(ev, ctx)
  local db, contract = ctx.db:as_system(), ev.record
  local id = sums.text(ev.params.template) and crm.id_parse(ev.params.template)
    or contract.template
  local template = id and db.contract_template:get(id)
  if not template or not template.active then return ev:fail("template", "@template_needed") end
  local job = ctx.queue:push("render", { contract = contract.id, template = template.id })
  return { job = crm.id_text(job) }
end

function documents.produce(job, ctx)
  local db = ctx.db:as_system()
  local contract = db.contract:get(job.args.contract)
  local template = db.contract_template:get(job.args.template)
  local data = ctx.call("contract.render", { contract = contract, template = template.id })
  local name = string.format("%s %s.docx", contract.number, contract.name)
  local file, why = ctx.document { template = template.file, data = data, name = name,
    about = contract }
  if not file then return { wrong = why } end -- whoever asked reads it in the job
  local made = assert(db.contract_document:insert {
    contract = contract.id, name = name, file = file, generated = true,
  })
  return { document = crm.id_text(made.id), file = crm.id_text(file) }
end

return documents
