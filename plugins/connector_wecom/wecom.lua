-- wecom - 企业微信: messages to a group robot, or from an application to members.
-- SPDX-License-Identifier: MIT
--
-- A mapping's remote is "robot" (credential: the robot's key) or "message" (account_name: the
-- corpid, credential: the application's secret, options.agentid). Its field map makes the message.
local wecom = {}

local ORIGIN = "https://qyapi.weixin.qq.com"
local MARGIN = 300 -- seconds before its end in which a token is asked for anew
local BYTES = {
  robot = { text = 2048, markdown = 4096 },
  message = { text = 2048, markdown = 2048 },
}

-- The token is unknown, not good (any more), or missing.
local STALE = { [40014] = true, [41001] = true, [42001] = true }
local AUTH = { [40001] = true, [40013] = true, [60020] = true, [93000] = true }
local BUSY = { [-1] = true, [45009] = true, [45033] = true }

local function origin(connection)
  return (connection.base_url or ORIGIN):gsub("/+$", "")
end

-- The answer's JSON, or a fault. WeCom says what is wrong in errcode, with HTTP 200.
local function read(answer, why, name)
  if not answer then
    return nil, { code = name == "FORBIDDEN" and "auth" or "retry", why = why }
  end
  local said = answer.json()
  if answer.status >= 500 or answer.status == 429 or type(said) ~= "table" then
    return nil, { code = "retry", why = "HTTP " .. answer.status }
  end
  local code = math.tointeger(said.errcode or 0)
  if code == 0 then return said end
  local kind = STALE[code] and "stale" or AUTH[code] and "auth" or BUSY[code] and "retry" or
    "refused"
  return nil, { code = kind, wait = code == 45009 and 60 or nil,
    why = "errcode " .. tostring(code) .. ": " .. tostring(said.errmsg) }
end

-- Asks for a token and keeps it, encrypted, for as long as it is good.
local function renew(connection, ctx)
  local said, fault = read(ctx.http.get {
    url = { origin(connection) .. "/cgi-bin/gettoken?corpid=", connection.account or "",
      "&corpsecret=", connection.credential },
  })
  if not said then
    if fault.code == "stale" or fault.code == "refused" then fault.code = "auth" end
    return nil, fault
  end
  local seconds = math.max(60, (math.tointeger(said.expires_in) or 7200) - MARGIN)
  return ctx.call("connection.keep_token",
    { connection = connection.id, token = said.access_token, seconds = seconds })
end

local function with_token(connection, ctx)
  local good = connection.token and connection.token_until and
    connection.token_until:ms() > ctx.now():ms()
  if good then return connection end
  return renew(connection, ctx)
end

local function send(connection, body, ctx)
  return read(ctx.http.post {
    url = { origin(connection) .. "/cgi-bin/message/send?access_token=", connection.token },
    json = body,
  })
end

local function to_members(given, body, ctx)
  local connection, fault = with_token(given.connection, ctx)
  if not connection then return nil, fault end
  body.agentid = math.tointeger(connection.options.agentid)
  if not body.touser and not body.toparty and not body.totag then body.touser = "@all" end
  body.enable_duplicate_check = 1
  local said
  said, fault = send(connection, body, ctx)
  if said or fault.code ~= "stale" then return said, fault end
  connection, fault = renew(connection, ctx) -- it was taken back before its time
  if not connection then return nil, fault end
  said, fault = send(connection, body, ctx)
  if fault and fault.code == "stale" then fault.code = "auth" end
  return said, fault
end

local function to_robot(given, body, ctx)
  local connection = given.connection
  return read(ctx.http.post {
    url = { origin(connection) .. "/cgi-bin/webhook/send?key=", connection.credential },
    json = body,
  })
end

-- What is wrong with a message before anybody is asked.
local function fault_of(remote, body, ctx)
  local most = (BYTES[remote] or {})[body.msgtype or ""]
  if not most then return { code = "refused", why = ctx.t("@no_type") } end
  local content = (body[body.msgtype] or {}).content
  if type(content) ~= "string" or content == "" then
    return { code = "refused", why = "content" }
  end
  if #content > most then
    return { code = "refused", why = ctx.t("@too_long", { max = most }) }
  end
end

function wecom.push(given, ctx)
  local body = given.data or {}
  if given.deleted then return {} end
  if not given.connection.credential then
    return { fault = { code = "auth", why = "no secret" } }
  end
  local said, fault = nil, fault_of(given.remote, body, ctx)
  if not fault then
    local to = given.remote == "robot" and to_robot or to_members
    said, fault = to(given, body, ctx)
  end
  if not said then return { fault = fault } end
  return { id = given.id or said.msgid, version = "sent" }
end

-- A group is told what happens, not what there was before anybody asked for it.
function wecom.traits()
  return { from_now = true, push_only = true, remotes = { "robot", "message" } }
end

-- Nothing is read from WeCom.
function wecom.pull() return { items = {}, more = false } end

-- Robots cannot be asked without writing to their group; an application's secret can.
function wecom.check(given, ctx)
  if not given.connection.account then return {} end
  local connection, fault = renew(given.connection, ctx)
  return connection and {} or { fault = fault }
end

return wecom
