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

-- Seconds that an import of a file took.
function company.import(entity, path, more)
  local started = now()
  must(string.format("%s import bench %s %s %s --data %s", company.perigee, entity, path,
    more or "", company.data))
  return now() - started
end

-- An import as a row: rows a second, and how much that is of SQLite alone writing the same rows
-- (tests/bench/limit copy): the record, its search tokens and what lies in `tables` for each.
function company.import_row(name, entity, count, path, more, tables)
  local rate = count / company.import(entity, path, more)
  local store = must("ls " .. company.data .. "/tenants/*/tenant.db"):match("%S+")
  local bare = tonumber((must(string.format("%s/tests/limit copy %s/copy.db %d 500 %s %s %s",
    company.build, company.folder, math.min(count, 50000), store, entity, tables))))
  must("rm -f " .. company.folder .. "/copy.db*")
  company.row("import: " .. name, rate, "rows/s", ">= 35 %", string.format("%.0f %% of %d",
    100 * rate / bare, bare))
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
