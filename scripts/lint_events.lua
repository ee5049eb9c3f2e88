-- lint_events - every event of schemas/events is made to happen by a test, which sees what its
-- handlers are given.
-- SPDX-License-Identifier: MIT

local TEST = "tests/api/fired.test.mjs"

return function(files, report)
  local drivers = ""
  for _, file in ipairs(files) do
    if file.path == TEST then drivers = file.text:match("\nconst DRIVERS = (%b{})") or "" end
  end
  for _, file in ipairs(files) do
    local name = file.path:match("^schemas/events/(.+)%.json$")
    if name and not drivers:find(('\n  "%s":'):format(name), 1, true) then
      report(file, 1, TEST .. " does not make it happen.")
    end
  end
end
