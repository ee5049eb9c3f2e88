-- docx - writes the Word template of the demo's contracts.
-- SPDX-License-Identifier: MIT
--
-- A .docx is a zip of XML files; kept without compression, a zip needs no more than a checksum.
local docx = {}

local OPEN = "http://schemas.openxmlformats.org"
local HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'

-- --- zip ---

local function crc32(text)
  local crc = 0xFFFFFFFF
  for i = 1, #text do
    crc = crc ~ text:byte(i)
    for _ = 1, 8 do
      crc = (crc >> 1) ~ (0xEDB88320 & -(crc & 1))
    end
  end
  return ~crc & 0xFFFFFFFF
end

local DATE = 1 << 5 | 1 -- 1980-01-01: the same bytes every time

local function zip(files)
  local out, index, at = {}, {}, 0
  for _, file in ipairs(files) do
    local name, text = file[1], file[2]
    local common = string.pack("<I2I2I2I2I2I4I4I4I2I2", 20, 0x800, 0, 0, DATE, crc32(text), #text,
      #text, #name, 0)
    local entry = "PK\3\4" .. common .. name .. text
    index[#index + 1] = "PK\1\2" .. string.pack("<I2", 20) .. common
      .. string.pack("<I2I2I2I4I4", 0, 0, 0, 0, at) .. name
    out[#out + 1], at = entry, at + #entry
  end
  local directory = table.concat(index)
  return table.concat(out) .. directory
    .. "PK\5\6" .. string.pack("<I2I2I2I2I4I4I2", 0, 0, #files, #files, #directory, at, 0)
end

-- --- words ---

local function run(text, bold, size)
  return string.format('<w:r><w:rPr>%s<w:sz w:val="%d"/></w:rPr>', bold and "<w:b/>" or "",
    size or 22) .. '<w:t xml:space="preserve">' .. text .. "</w:t></w:r>"
end

function docx.title(text)
  return '<w:p><w:pPr><w:jc w:val="center"/></w:pPr>' .. run(text, true, 36) .. "</w:p>"
end

function docx.text(text, bold) return "<w:p>" .. run(text, bold) .. "</w:p>" end

function docx.table(rows)
  local parts = {}
  for i, row in ipairs(rows) do
    local cells = {}
    for k, cell in ipairs(row) do
      cells[k] = '<w:tc><w:tcPr><w:tcW w:w="2300" w:type="dxa"/></w:tcPr>'
        .. docx.text(cell, i == 1) .. "</w:tc>"
    end
    parts[i] = "<w:tr>" .. table.concat(cells) .. "</w:tr>"
  end
  local borders = {}
  for i, side in ipairs { "top", "left", "bottom", "right", "insideH", "insideV" } do
    borders[i] = "<w:" .. side .. ' w:val="single" w:sz="4"/>'
  end
  return '<w:tbl><w:tblPr><w:tblW w:w="0" w:type="auto"/><w:tblBorders>' .. table.concat(borders)
    .. "</w:tblBorders></w:tblPr><w:tblGrid>"
    .. string.rep('<w:gridCol w:w="2300"/>', #rows[1]) .. "</w:tblGrid>" .. table.concat(parts)
    .. "</w:tbl>"
end

function docx.write(path, body)
  local file = assert(io.open(path, "wb"))
  local word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
  file:write(zip {
    { "[Content_Types].xml", HEAD .. '<Types xmlns="' .. OPEN .. '/package/2006/content-types">'
      .. '<Default Extension="rels" ContentType="application/'
      .. 'vnd.openxmlformats-package.relationships+xml"/>'
      .. '<Default Extension="xml" ContentType="application/xml"/>'
      .. '<Override PartName="/word/document.xml" ContentType="' .. word .. '"/></Types>' },
    { "_rels/.rels", HEAD .. '<Relationships xmlns="' .. OPEN .. '/package/2006/relationships">'
      .. '<Relationship Id="rId1" Type="' .. OPEN
      .. '/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
      .. "</Relationships>" },
    { "word/document.xml", HEAD .. '<w:document xmlns:w="' .. OPEN
      .. '/wordprocessingml/2006/main"><w:body>' .. table.concat(body)
      .. "<w:sectPr/></w:body></w:document>" },
  })
  file:close()
end

return docx
