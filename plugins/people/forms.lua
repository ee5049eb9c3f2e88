-- forms - public forms of the web site: whatever plugin takes one in, everybody may listen.
-- SPDX-License-Identifier: MIT
local forms = {}

-- The service form.submit: { form = "leads.web", entity, record (an id), is_new }, in the
-- transaction that keeps what came in.
function forms.submit(asked, ctx)
  ctx.emit("form.submitted", {
    form = asked.form, entity = asked.entity, record = asked.record, is_new = asked.is_new,
  })
  return {}
end

return forms
