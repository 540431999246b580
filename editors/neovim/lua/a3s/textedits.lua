--- Text edits of the protocol, made to a buffer so that cursors, marks and folds on all other lines stay.
---
--- Neovim's own function deletes the marks of lines that move up, and in 0.10 leaves an empty line behind what is added
--- at the end of a file. To the protocol such a file has one more line, empty, which is no line of the buffer.
local M = {}

local api = vim.api
local HAS_NAMED_ENCODINGS = vim.fn.has("nvim-0.11") == 1

---@param line string
---@param character integer
---@param encoding string
---@return integer
local function byte_column(line, character, encoding)
  if encoding == "utf-8" then
    return math.min(character, #line)
  end
  if HAS_NAMED_ENCODINGS then
    return vim.str_byteindex(line, encoding, character, false)
  end
  local inside, column = pcall(vim.str_byteindex, line, character, encoding == "utf-16")
  return inside and column or #line
end

---@class (exact) a3s.Splice An edit in rows and bytes; row and column of its end are exclusive.
---@field top integer
---@field left integer
---@field bottom integer
---@field right integer
---@field lines string[] What comes in; all but the last end a line.

---@param buf integer
---@param position lsp.Position
---@param encoding string
---@return integer row
---@return integer column
local function place(buf, position, encoding)
  local row = math.min(position.line, api.nvim_buf_line_count(buf))
  local line = api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ""
  return row, byte_column(line, position.character, encoding)
end

---@param buf integer
---@param edit lsp.TextEdit
---@param encoding string
---@return a3s.Splice
local function splice_of(buf, edit, encoding)
  local top, left = place(buf, edit.range.start, encoding)
  local bottom, right = place(buf, edit.range["end"], encoding)
  local text = edit.newText:gsub("\r\n?", "\n")
  return { top = top, left = left, bottom = bottom, right = right, lines = vim.split(text, "\n", { plain = true }) }
end

--- The splice without the end of the last line, which a buffer does not have.
---@param buf integer
---@param splice a3s.Splice
local function spare_last_line_end(buf, splice)
  splice.bottom = api.nvim_buf_line_count(buf) - 1
  splice.right = #api.nvim_buf_get_lines(buf, -2, -1, true)[1]
  table.remove(splice.lines)
end

---@class (exact) a3s.Mark
---@field name string
---@field row integer
---@field column integer

--- The person's marks on these rows: replacing text deletes them.
---@param buf integer
---@param first integer
---@param last integer
---@return a3s.Mark[]
local function marks_within(buf, first, last)
  local marks = {}
  for _, mark in ipairs(vim.fn.getmarklist(buf)) do
    local row = mark.pos[2] - 1
    if mark.mark:match("^'%l$") and row >= first and row <= last then
      table.insert(marks, { name = mark.mark:sub(2), row = row, column = mark.pos[3] - 1 })
    end
  end
  return marks
end

---@param buf integer
---@param mark a3s.Mark
local function put_mark(buf, mark)
  local line = api.nvim_buf_get_lines(buf, mark.row, mark.row + 1, true)[1]
  api.nvim_buf_set_mark(buf, mark.name, mark.row + 1, math.min(mark.column, #line), {})
end

---@param buf integer
---@param splice a3s.Splice
local function replace_lines(buf, splice)
  table.remove(splice.lines)
  local marks = marks_within(buf, splice.top, splice.bottom - 1)
  api.nvim_buf_set_lines(buf, splice.top, splice.bottom, true, splice.lines)
  if #splice.lines == 0 then
    return
  end
  for _, mark in ipairs(marks) do
    mark.row = math.min(mark.row, splice.top + #splice.lines - 1)
    put_mark(buf, mark)
  end
end

---@param buf integer
---@param splice a3s.Splice
local function replace_text(buf, splice)
  local marks = marks_within(buf, splice.top, splice.bottom)
  api.nvim_buf_set_text(buf, splice.top, splice.left, splice.bottom, splice.right, splice.lines)
  local last = splice.top + #splice.lines - 1
  for _, mark in ipairs(marks) do
    if mark.row == splice.bottom and mark.column >= splice.right then
      local begins = #splice.lines == 1 and splice.left or 0
      mark.row, mark.column = last, begins + #splice.lines[#splice.lines] + mark.column - splice.right
    end
    mark.row = math.min(mark.row, last)
    put_mark(buf, mark)
  end
end

---@param buf integer
---@param edit lsp.TextEdit
---@param encoding string
local function apply_one(buf, edit, encoding)
  local splice = splice_of(buf, edit, encoding)
  if splice.left == 0 and splice.right == 0 and splice.lines[#splice.lines] == "" then
    return replace_lines(buf, splice)
  end
  if splice.bottom == api.nvim_buf_line_count(buf) then
    spare_last_line_end(buf, splice)
  end
  replace_text(buf, splice)
end

---@param edits lsp.TextEdit[]
---@return lsp.TextEdit[] edits The last one in the text first, so that none moves another.
local function backwards(edits)
  local sorted = vim.list_slice(edits)
  local order = {}
  for number, edit in ipairs(edits) do
    order[edit] = number
  end
  table.sort(sorted, function(one, other)
    local a, b = one.range.start, other.range.start
    if a.line ~= b.line then
      return a.line > b.line
    end
    if a.character ~= b.character then
      return a.character > b.character
    end
    return order[one] > order[other]
  end)
  return sorted
end

--- Makes the edits, which are apart from each other, to a loaded buffer.
---@param buf integer
---@param edits lsp.TextEdit[]
---@param encoding string
function M.apply(buf, edits, encoding)
  for _, edit in ipairs(backwards(edits)) do
    apply_one(buf, edit, encoding)
  end
  local unended = not vim.bo[buf].endofline and api.nvim_buf_get_lines(buf, -2, -1, true)[1] == ""
  if unended then
    vim.bo[buf].fixendofline = false -- the text ends its last line by now; saving must not end it twice
  end
end

--- Whether the text would not end its last line after the edit; a buffer with 'endofline' always does.
---@param buf integer
---@param edit lsp.TextEdit
---@return boolean
function M.leaves_line_unended(buf, edit)
  if not vim.bo[buf].endofline or edit.range["end"].line < api.nvim_buf_line_count(buf) then
    return false
  end
  if edit.newText == "" then
    return edit.range.start.character > 0
  end
  return not edit.newText:match("[\r\n]$")
end

return M
