-- bench_company - one company on one server for the yardsticks of modules: made, asked, measured.
-- SPDX-License-Identifier: MIT
--
-- PERIGEE_BENCH_BUILD a build folder that is ready (build/benchmark), PERIGEE_BENCH_SECONDS (5) a
-- row, PERIGEE_BENCH_DATA (build/bench_modules), PERIGEE_DATASETS the folder with the public sets.
local kit = dofile("scripts/bench_kit.lua")
local must, write, now = kit.must, kit.write, kit.now

local company = {
  seconds = tonumber(os.getenv("PERIGEE_BENCH_SECONDS")) or 5,
  build = os.getenv("PERIGEE_BENCH_BUILD") or "build/benchmark",
  folder = os.getenv("PERIGEE_BENCH_DATA") or "build/bench_modules",
  sets = os.getenv("PERIGEE_DATASETS") or "../shared/data",
}
company.data, company.perigee = company.folder .. "/data", company.build .. "/perigee"

local PASSWORD = "Lamp-over-water-9"
local url, token, pid

function company.row(name, value, unit, bar, more)
  print(string.format("| %-52s | %9.0f %-6s | %-9s | %s |", name, value, unit, bar or "",
    more or ""))
  io.stdout:flush()
end

function company.create(plugins)
  local perigee, data = company.perigee, company.data
  must("rm -rf " .. company.folder .. " && mkdir -p " .. company.folder)
  must(perigee .. " init --data " .. data)
  write(data .. "/perigee.json", '{"rate_per_s": 100000, "rate_burst": 100000, ' ..
    '"access_log": false, "conns_per_address_max": 4000}')
  must(perigee .. " tenant create bench --host 127.0.0.1 --plugins " .. plugins ..
    " --data " .. data)
  must("echo " .. PASSWORD .. " | " .. perigee ..
    " user create bench admin --role admin --password-stdin --data " .. data)
end

-- As the administrator, or as whom a token names; gives the answer's text.
function company.ask(method, path, body, as)
  local given = body and string.format("-H 'Content-Type: application/json' -d '%s' ", body) or ""
  return must(string.format("curl -sf -X %s %s-H 'Authorization: Bearer %s' '%s/api/v1%s'", method,
    given, as or token or "", url, path))
end

function company.sign_in(login)
  return company.ask("POST", "/sessions", string.format('{"login":"%s","password":"%s"}', login,
    PASSWORD)):match('"token":"([^"]+)"')
end

-- A record's id.
function company.made(entity, body)
  return company.ask("POST", "/records/" .. entity, body):match('"id":"(%w+)"')
end

-- A user with that role, who signs in with the same password.
function company.user(login, role)
  return company.ask("POST", "/admin/users", string.format(
    '{"login":"%s","name":"%s","roles":["%s"],"password":"%s"}', login, login, role, PASSWORD))
    :match('"id":"(%w+)"')
end

function company.serve()
  pid, url = kit.start(company.perigee .. " serve --data " .. company.data ..
    " --listen 127.0.0.1:0", "ready (http%S+)", company.folder .. "/serve.out")
  token = nil
  token = company.sign_in("admin")
end

function company.stop()
  kit.stop(pid)
  print("load " .. kit.read("/proc/loadavg"):match("^%S+ %S+ %S+") .. ", " ..
    must("nproc"):match("%d+") .. " cores, " .. company.seconds .. " s a row")
end

-- Seconds that an import of a file took; a row that fails is none.
function company.import(entity, path, more, data)
  local started = now()
  local out = must(string.format("%s import bench %s %s %s --data %s", company.perigee, entity,
    path, more or "", data or company.data))
  local took = now() - started
  assert(out:find("failed 0", 1, true), out)
  return took
end

-- --- imports beside SQLite alone ---
--
-- The same import once more, in a copy of the folder and without a server, by a binary that writes
-- down each statement that changes something and where its own time goes (base/meter). Then
-- tests/bench/limit carries out those statements, inserts and updates, log and tokens, in a copy of
-- the store as it was before, prepared once, 500 rows a commit: that is the bare side.

local METERED = 20000 -- rows of a file that are looked at so; few enough for the disk
local PARTS = {
  { "lua", "Lua %.0f in %.1f calls", true }, { "core", "core %.0f" },
  { "read", "%.0f in %.1f reads", true }, { "write", "rows %.0f in %.1f writes", true },
  { "log", "log %.0f in %.1f rows", true }, { "tokens", "tokens %.0f" },
  { "savepoint", "savepoints %.0f" }, { "commit", "commits %.0f" },
  { "rest", "file and cells %.0f" },
}

local function store_of(data) return must("ls " .. data .. "/tenants/*/tenant.db"):match("%S+") end

-- As it stands before an import: the server has to be stopped for it.
local function copy_folder()
  kit.stop(pid)
  must(string.format("rm -rf %s/before %s/meter && cp -r %s %s/before && rm -f %s/before/lock",
    company.folder, company.folder, company.data, company.folder, company.folder))
  company.serve()
  return company.folder .. "/before"
end

-- Microseconds of a row, part by part, as text; and their sum.
local function parts_of(rows)
  local text, all, sum = {}, kit.read(company.folder .. "/meter/meter.json"), 0
  for _, part in ipairs(PARTS) do
    local us, times = all:match('"' .. part[1] .. '":{"us":(%d+),"times":(%d+)')
    sum = sum + us / rows
    text[#text + 1] = string.format(part[2], us / rows, part[3] and times / rows)
  end
  return table.concat(text, ", "), sum
end

local function meter(entity, count, path, more, before)
  local rows, folder = math.min(count, METERED), company.folder
  local limit = company.build .. "/tests/limit"
  if rows < count then
    must(string.format("head -%d %s > %s/head.csv", rows + 1, path, folder))
    path = folder .. "/head.csv"
  end
  must(string.format("mkdir %s/meter && %s snapshot %s %s/before.db", folder, limit,
    store_of(before), folder))
  local perigee = company.perigee
  company.perigee = "PERIGEE_METER=" .. folder .. "/meter " .. perigee
  company.import(entity, path, more, before)
  company.perigee = perigee
  local bare, inserts, updates, used = must(string.format(
    "%s replay %s/before.db %s/meter/trace 500", limit, folder, folder))
    :match("(%d+) (%S+) (%S+) (%d+)")
  local text, sum = parts_of(rows)
  must(string.format("rm -rf %s/before %s/before.db* %s/meter", folder, folder, folder))
  return { bare = tonumber(bare), inserts = inserts, updates = updates, used = tonumber(used),
    text = text, sum = sum }
end

-- An import as a row: rows a second, and how much that is of SQLite alone making the same changes;
-- below it, where the time of a row goes.
function company.import_row(name, entity, count, path, more)
  local before = copy_folder()
  local rate = count / company.import(entity, path, more)
  local m = meter(entity, count, path, more, before)
  company.row("import: " .. name, rate, "rows/s", ">= 35 %", string.format(
    "%.0f %% of %d: %s inserts, %s updates a row", 100 * rate / m.bare, m.bare, m.inserts,
    m.updates))
  company.row("... a row's time on the processor", m.sum, "us", "", string.format(
    "%.0f %% of it are the bare side's %d us: %s", 100 * m.used / m.sum, m.used, m.text))
end

-- Lines as a file of the bench's folder; gives its path.
function company.file(name, lines)
  local path = company.folder .. "/" .. name
  write(path, table.concat(lines, "\n"))
  return path
end

-- Asks as fast as it is answered: requests per second, p99, how many were refused, and how many
-- were done in a second.
function company.wrk(name, path, script, connections)
  local file = company.file(name .. ".lua", { script })
  local out = must(string.format(
    "wrk -t%d -c%d -d%ds --latency -s %s -H 'Authorization: Bearer %s' %s/api/v1%s",
    connections > 1 and 2 or 1, connections, company.seconds, file, token, url, path))
  local rate = tonumber(out:match("Requests/sec:%s+([%d.]+)"))
  local refused = tonumber(out:match("Non%-2xx or 3xx responses: (%d+)") or 0)
  local all = tonumber(out:match("(%d+) requests in"))
  return rate, out:match("99%%%s+(%S+)"), refused, rate * (all - refused) / all
end

-- A report again and again, one after the other, each with another filter: `query` has a %d where
-- something differs. Warm, but not out of a cache.
function company.report(name, entity, query)
  local rate, p99 = company.wrk("report", "/records/" .. entity .. "/query", string.format([[
    local n = 0
    wrk.method = 'POST'
    wrk.headers['Content-Type'] = 'application/json'
    request = function()
      n = n + 1
      return wrk.format(nil, nil, nil, string.format('%s', n %% 90))
    end
  ]], query), 1)
  company.row(name, 1000 / rate, "ms", "< 300 ms", "p99 " .. p99)
end

return company
