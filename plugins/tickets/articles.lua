-- articles - knowledge: every text that was ever published stays readable.
-- SPDX-License-Identifier: MIT
local articles = {}

function articles.change(ev)
  local article = ev.record
  if ev.changed("title") or ev.changed("body") then
    article.version_no = (ev.old.version_no or 1) + 1
  end
end

function articles.keep(ev, ctx)
  if ev.old and not (ev.changed("title") or ev.changed("body")) then return end
  assert(ctx.db:as_system().article_version:insert {
    article = ev.record.id, version_no = ev.record.version_no or 1, title = ev.record.title,
    body = ev.record.body,
  })
end

-- POST …/article/{id}/actions/helpful
function articles.helpful(ev, ctx)
  local count = (ev.record.helpful or 0) + 1
  assert(ctx.db:as_system().article:update(ev.record.id, { helpful = count }))
  return { helpful = count }
end

return articles
