-- bench_kit - what a bench needs of the machine: commands, files, servers.
-- SPDX-License-Identifier: MIT
local kit = {}

function kit.run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local out = pipe:read("a")
  local ok = pipe:close()
  return out, ok
end

function kit.must(command)
  local out, ok = kit.run(command)
  if not ok then
    io.stderr:write("bench: ", command, "\n", out)
    os.exit(1)
  end
  return out
end

function kit.write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

function kit.read(path)
  local file = io.open(path)
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

function kit.now()
  return tonumber((kit.must("date +%s.%N")))
end

-- Starts a server in the background; gives its pid and what it printed when `pattern` matched.
function kit.start(command, pattern, log)
  os.remove(log)
  kit.must(string.format("sh -c '%s >%s 2>%s.err & echo $! >%s.pid'", command, log, log, log))
  local pid = kit.read(log .. ".pid"):match("%d+")
  for _ = 1, 200 do
    local found = kit.read(log):match(pattern)
    if found then return pid, found end
    kit.must("sleep 0.05")
  end
  error("not ready: " .. command .. "\n" .. kit.read(log .. ".err"))
end

function kit.stop(pid)
  kit.run("kill " .. pid)
  for _ = 1, 240 do
    if not select(2, kit.run("kill -0 " .. pid)) then return end
    kit.must("sleep 0.05")
  end
end

return kit
