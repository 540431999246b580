--- Picking some of the hunks that a question is about: a window with the diff, in which each can be unticked.
local float = require("a3s.float")

local M = {}

local api = vim.api
local KEYS = " <Space> untick · <CR> allow what is ticked · q back "

---@class (exact) a3s.PickerRow A hunk in the window.
---@field index integer
---@field row integer
---@field ticked boolean
---@field text string

---@class (exact) a3s.DiffFile The lines of a file that a diff shows, by their numbers before and after.
---@field path string
---@field old table<integer, string>
---@field new table<integer, string>

--- One line of a hunk's body; `at` are the numbers that the next lines have.
---@param file a3s.DiffFile
---@param at {old: integer, new: integer}
---@param line string
local function read_line(file, at, line)
  local kind, text = line:sub(1, 1), line:sub(2)
  if kind == "-" or kind == " " then
    file.old[at.old] = text
    at.old, at.old_left = at.old + 1, at.old_left - 1
  end
  if kind == "+" or kind == " " then
    file.new[at.new] = text
    at.new, at.new_left = at.new + 1, at.new_left - 1
  end
end

---@param header string
local function numbers(header)
  local old, old_left, new, new_left = header:match("^@@ %-(%d+),?(%d*) %+(%d+),?(%d*) @@")
  return old
    and {
      old = tonumber(old),
      old_left = tonumber(old_left) or 1,
      new = tonumber(new),
      new_left = tonumber(new_left) or 1,
    }
end

---@param diff string
---@return a3s.DiffFile[]
local function read_diff(diff)
  local files, at = {}, nil
  for _, line in ipairs(vim.split(diff, "\n", { plain = true })) do
    if at and (at.old_left > 0 or at.new_left > 0) then
      read_line(files[#files], at, line)
    elseif line:match("^%-%-%- ") then
      table.insert(files, { path = line:sub(5):gsub("^a/", ""), old = {}, new = {} })
    elseif line:match("^%+%+%+ ") and line ~= "+++ /dev/null" then
      files[#files].path = line:sub(5):gsub("^b/", "")
    else
      at = numbers(line) or at
    end
  end
  return files
end

---@param mark string
---@param lines table<integer, string>
---@param first integer
---@param count integer
---@return string[]
local function marked(mark, lines, first, count)
  local found = {}
  for number = first, first + count - 1 do
    if lines[number] then
      table.insert(found, mark .. lines[number])
    end
  end
  return found
end

--- What the hunk takes away and brings, as far as the diff shows it.
---@param hunk a3s.QuestionHunk
---@param files a3s.DiffFile[]
---@return string[]
local function body(hunk, files)
  local file = vim.iter(files):find(function(candidate)
    return vim.endswith("/" .. hunk.path, "/" .. candidate.path)
  end)
  local at = numbers(hunk.header)
  if not file then
    return {}
  end
  if not at then
    local gone, come = marked("-", file.old, 1, #file.old), marked("+", file.new, 1, #file.new)
    return #gone == 0 and come or #come == 0 and gone or {}
  end
  local lines = marked("-", file.old, at.old, at.old_left)
  return vim.list_extend(lines, marked("+", file.new, at.new, at.new_left))
end

---@param picked a3s.PickerRow
local function head(picked)
  return ("%s %s"):format(picked.ticked and "[x]" or "[ ]", picked.text)
end

---@param question a3s.Question
---@return string[] lines
---@return a3s.PickerRow[] rows
local function layout(question)
  local lines, rows = {}, {}
  local files = read_diff(question.diff or "")
  for _, hunk in ipairs(question.hunks) do
    local row = {
      index = hunk.index,
      row = #lines,
      ticked = true,
      text = ("%s %s"):format(vim.fn.fnamemodify(hunk.path, ":."), hunk.header),
    }
    table.insert(rows, row)
    table.insert(lines, head(row))
    vim.list_extend(lines, body(hunk, files))
  end
  return lines, rows
end

---@param rows a3s.PickerRow[]
---@return integer[] indexes
local function ticked(rows)
  local indexes = {}
  for _, row in ipairs(rows) do
    if row.ticked then
      table.insert(indexes, row.index)
    end
  end
  return indexes
end

---@param buf integer
---@param rows a3s.PickerRow[]
local function toggle(buf, rows)
  local cursor = api.nvim_win_get_cursor(0)[1] - 1
  local picked = vim.iter(rows):rfind(function(row)
    return row.row <= cursor
  end)
  picked.ticked = not picked.ticked
  vim.bo[buf].modifiable = true
  api.nvim_buf_set_lines(buf, picked.row, picked.row + 1, true, { head(picked) })
  vim.bo[buf].modifiable = false
end

--- Opens the window, in which the person then is.
---@param question a3s.Question
---@param on_picked fun(accepted?: integer[]) Called once; nil means that the person went back.
---@return integer window
function M.open(question, on_picked)
  local lines, rows = layout(question)
  local buf = float.buffer(lines, "diff")
  local place = float.place(question.title, #lines)
  place.footer = KEYS
  local window = api.nvim_open_win(buf, true, place)
  local accepted
  local function map(key, action)
    vim.keymap.set("n", key, action, { buffer = buf, nowait = true })
  end
  local function close()
    float.close(window)
  end
  map("<Space>", function()
    toggle(buf, rows)
  end)
  map("<CR>", function()
    accepted = ticked(rows)
    close()
  end)
  map("q", close)
  map("<Esc>", close)
  api.nvim_create_autocmd("BufWipeout", {
    buffer = buf,
    callback = vim.schedule_wrap(function()
      on_picked(accepted)
    end),
  })
  return window
end

return M
