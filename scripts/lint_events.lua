-- lint_events - every event of schemas/events has a test with a handler for it: what the handler
-- does then is the test's to say.
-- SPDX-License-Identifier: MIT

return function(files, report)
  local tests = {}
  for _, file in ipairs(files) do
    local is_test = file.path:find("^tests/") and not file.path:find("^tests/fuzz/corpus/") or
      file.path:find("^plugins/[%w_]+/tests/")
    if is_test and file.text:find("crm%.on") then tests[#tests + 1] = file.text end
  end
  for _, file in ipairs(files) do
    local name = file.path:match("^schemas/events/(.+)%.json$")
    local word = name and (name:match("^record%.(.+)$") or name):gsub("%p", "%%%0")
    local found = not name
    for _, text in ipairs(tests) do
      found = found or text:find("[\"']" .. word .. "[\"':]") ~= nil
    end
    if not found then report(file, 1, "no test has a handler for this event.") end
  end
end
