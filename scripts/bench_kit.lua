-- bench_kit - what a bench needs of the machine: commands, files, servers.
-- SPDX-License-Identifier: MIT
local kit = {}
local PASSWORD = "Lamp-over-water-9"

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

-- The command that makes a company with an administrator.
function kit.create_tenant(perigee, data, name, host, plugins)
  return string.format("%s tenant create %s --host %s --plugins %s --data %s && " ..
    "echo %s | %s user create %s admin --role admin --password-stdin --data %s", perigee, name,
    host, plugins, data, PASSWORD, perigee, name, data)
end

function kit.sign_in(url, host)
  local out = kit.must("curl -s -H 'Host: " .. host .. "' " .. url .. "/api/v1/sessions " ..
    "-H 'Content-Type: application/json' -d '{\"login\":\"admin\",\"password\":\"" .. PASSWORD ..
    "\"}'")
  return (assert(out:match('"token":"([^"]+)"'), out))
end

-- Milliseconds of one request, and its status.
function kit.ask(url, host, token, path, body)
  local out = kit.must(string.format("curl -s -o /dev/null -w '%%{time_total} %%{http_code}' " ..
    "-H 'Host: %s' -H 'Authorization: Bearer %s' %s '%s/api/v1/%s'", host, token,
    body and "-H 'Content-Type: application/json' -d '" .. body .. "'" or "", url, path))
  local time, status = out:match("(%S+) (%d+)")
  return tonumber(time) * 1000, tonumber(status)
end

local function processes(pid)
  return (pid .. " " .. kit.run("pgrep -P " .. pid)):gmatch("%d+")
end

-- The supervisor's own command may name roles, too: how many of them there are to be.
local function is_of(pid, role)
  return kit.read("/proc/" .. pid .. "/cmdline"):find("child\0" .. role .. "\0", 1, true)
end

-- The server's processes with one of these roles.
function kit.pids(pid, ...)
  local list = {}
  for child in processes(pid) do
    for _, role in ipairs({ ... }) do
      if is_of(child, role) then list[#list + 1] = child end
    end
  end
  return list
end

-- Milliseconds these processes have run until now, on any core.
function kit.cpu(pids)
  local ns = 0
  for _, pid in ipairs(pids) do
    ns = ns + tonumber(kit.read("/proc/" .. pid .. "/schedstat"):match("%d+"))
  end
  return ns / 1e6
end

-- MB of private memory (and, for nil, of all of it), open files; of processes with `role`.
function kit.usage(pid, role)
  local mb, files = 0, 0
  for child in processes(pid) do
    if not role or is_of(child, role) then
      local rollup = kit.read("/proc/" .. child .. "/smaps_rollup")
      mb = mb + tonumber(rollup:match((role and "Pss_Anon" or "Pss") .. ":%s+(%d+)") or 0)
      files = files + (tonumber((kit.run("ls /proc/" .. child .. "/fd | wc -l"))) or 0)
    end
  end
  return mb / 1024, files
end

function kit.median(list)
  table.sort(list)
  return list[(#list + 1) // 2], list[#list]
end

return kit
