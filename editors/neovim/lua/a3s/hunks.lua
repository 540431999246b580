--- The agent's changes that are under review: which they are, where they are by now, and how they are shown.
local config = require("a3s.config")

local M = {}

local api = vim.api
local namespace = api.nvim_create_namespace("a3s.hunks")

--- What is under review, by path and session.
---@type table<string, table<string, a3s.Hunk[]>>
local reviewed = {}

---@class (exact) a3s.PlacedHunk
---@field hunk a3s.Hunk
---@field top integer Row, from 0.
---@field bottom integer The row after the last one; the same as `top` where the hunk only deleted.

--- Marks that move with the text, by buffer.
---@type table<integer, {hunk: a3s.Hunk, mark: integer}[]>
local placed = {}

local LINKS = { A3SHunkAdd = "Added", A3SHunkChange = "Changed", A3SHunkDelete = "Removed", A3SHunkText = "Comment" }

local function define_highlights()
  for name, link in pairs(LINKS) do
    api.nvim_set_hl(0, name, { link = link, default = true })
  end
end

---@param buf integer
---@return a3s.Hunk[]
local function hunks_of(buf)
  local all = {}
  for _, hunks in pairs(reviewed[api.nvim_buf_get_name(buf)] or {}) do
    vim.list_extend(all, hunks)
  end
  return all
end

---@param buf integer
---@param hunk a3s.Hunk
---@return integer top
---@return integer bottom
local function rows(buf, hunk)
  local first, last = hunk.range.start, hunk.range["end"]
  local count = api.nvim_buf_line_count(buf)
  local empty = first.line == last.line and first.character == last.character
  local bottom = last.line + ((not empty and last.character > 0) and 1 or 0)
  return math.min(first.line, count), math.min(bottom, count)
end

---@param text string
local function lines_in(text)
  local _, count = text:gsub("[^\n]*\n", "")
  return count + (text:match("[^\n]$") and 1 or 0)
end

---@param hunk a3s.Hunk
local function caption(hunk)
  local deleted = hunk.after == "" and (" (-%d)"):format(lines_in(hunk.before)) or ""
  return (" %s%s%s"):format(hunk.label, deleted, hunk.status == "tweaked" and ", changed since" or "")
end

---@param buf integer
---@param hunk a3s.Hunk
---@param top integer
---@param bottom integer
local function draw_signs(buf, hunk, top, bottom)
  if top == bottom then
    local row = math.max(top - 1, 0)
    local sign = { sign_text = top == 0 and "▔" or "▁", sign_hl_group = "A3SHunkDelete" }
    return api.nvim_buf_set_extmark(buf, namespace, row, 0, sign)
  end
  local group = hunk.before == "" and "A3SHunkAdd" or "A3SHunkChange"
  for row = top, bottom - 1 do
    api.nvim_buf_set_extmark(buf, namespace, row, 0, { sign_text = "┃", sign_hl_group = group })
  end
end

---@param buf integer
---@param hunk a3s.Hunk
---@param top integer
local function draw_caption(buf, hunk, top, bottom)
  local row = top == bottom and math.max(top - 1, 0) or top
  local text = { { caption(hunk), "A3SHunkText" } }
  api.nvim_buf_set_extmark(buf, namespace, row, 0, { virt_text = text, hl_mode = "combine" })
end

--- Marks the place of the hunk, so that it is known also after the person has typed above it.
---@param buf integer
---@param hunk a3s.Hunk
local function place(buf, hunk)
  local top, bottom = rows(buf, hunk)
  local options = { end_row = bottom, end_col = 0, strict = false }
  local mark = api.nvim_buf_set_extmark(buf, namespace, top, 0, options)
  table.insert(placed[buf], { hunk = hunk, mark = mark })
  if config.get().hunks.signs then
    draw_signs(buf, hunk, top, bottom)
  end
  if config.get().hunks.virtual_text then
    draw_caption(buf, hunk, top, bottom)
  end
end

--- Shows the hunks of a buffer as they are now.
---@param buf integer
function M.draw(buf)
  api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  placed[buf] = {}
  for _, hunk in ipairs(hunks_of(buf)) do
    place(buf, hunk)
  end
end

---@param path string
---@return integer? buf
local function loaded(path)
  return vim.iter(api.nvim_list_bufs()):find(function(buf)
    return api.nvim_buf_is_loaded(buf) and api.nvim_buf_get_name(buf) == path
  end)
end

---@param path string
local function redraw(path)
  local buf = loaded(path)
  if buf then
    M.draw(buf)
  end
end

local function tell()
  api.nvim_exec_autocmds("User", { pattern = "A3SHunks", modeline = false })
end

--- Handles `a3s/hunks`.
---@param params {sessionId: string, uri: string, hunks: a3s.Hunk[]}
function M.on_hunks(params)
  define_highlights()
  local path = vim.uri_to_fname(params.uri)
  reviewed[path] = reviewed[path] or {}
  reviewed[path][params.sessionId] = params.hunks
  redraw(path)
  tell()
end

--- Forgets all hunks, because the server is gone that knows what becomes of them.
function M.reset()
  local paths = vim.tbl_keys(reviewed)
  reviewed = {}
  vim.iter(paths):each(redraw)
  tell()
end

--- How many hunks of a buffer are under review.
---@param buf integer
---@return integer
function M.count(buf)
  return #hunks_of(buf)
end

--- How many hunks of all files are under review.
---@return integer
function M.total()
  local count = 0
  for _, sessions in pairs(reviewed) do
    for _, hunks in pairs(sessions) do
      count = count + #hunks
    end
  end
  return count
end

--- The hunks of a buffer with their places, from the top down.
---@param buf integer
---@return a3s.PlacedHunk[]
function M.list(buf)
  local list = vim.tbl_map(function(item)
    local mark = api.nvim_buf_get_extmark_by_id(buf, namespace, item.mark, { details = true })
    return { hunk = item.hunk, top = mark[1], bottom = math.max(mark[1], mark[3].end_row or mark[1]) }
  end, placed[buf] or {})
  table.sort(list, function(one, other)
    return one.top < other.top
  end)
  return list
end

--- The hunk that has the row, or that deleted what stood right below or above it.
---@param buf integer
---@param row integer
---@return a3s.PlacedHunk?
function M.at(buf, row)
  return vim.iter(M.list(buf)):find(function(item)
    if item.top == item.bottom then
      return row == math.max(item.top - 1, 0)
    end
    return row >= item.top and row < item.bottom
  end)
end

return M
