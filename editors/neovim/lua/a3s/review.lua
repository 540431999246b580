--- Reviewing the agent's changes: keeping, undoing and asking about them, looking at them, and going from one to another.
local client = require("a3s.client")
local hunks = require("a3s.hunks")
local log = require("a3s.log")

local M = {}

local api = vim.api
--- `vim.diff` has another name from 0.12 on.
local differ = vim.text and vim.text.diff or vim.diff

---@class (exact) a3s.HunkTarget What a command is about; without both, the hunk at the cursor.
---@field all? boolean All hunks of the buffer.
---@field lines? {first: integer, last: integer} From 1, both included.
---@field text? string What to ask.

local function cursor_row()
  return api.nvim_win_get_cursor(0)[1] - 1
end

---@param target a3s.HunkTarget
---@return a3s.PlacedHunk?
local function meant(target)
  local buf = api.nvim_get_current_buf()
  if not target.lines then
    return hunks.at(buf, cursor_row())
  end
  for row = target.lines.first - 1, target.lines.last - 1 do
    local found = hunks.at(buf, row)
    if found then
      return found
    end
  end
end

--- The hunk that is meant; the person is told if there is none.
---@param target a3s.HunkTarget
---@return a3s.Hunk?
local function meant_or_told(target)
  local found = meant(target)
  if not found then
    log.notify("no change of the agent is under review here; `:A3S hunk next` goes to one.")
  end
  return found and found.hunk
end

---@param lines {first: integer, last: integer}
---@return lsp.Range
local function range(lines)
  return { start = { line = lines.first - 1, character = 0 }, ["end"] = { line = lines.last, character = 0 } }
end

---@param target a3s.HunkTarget
---@return table? argument Of `a3s.hunk.keep` and `a3s.hunk.undo`; nil if nothing is meant.
local function argument(target)
  local uri = vim.uri_from_bufnr(0)
  if target.all then
    return { uri = uri }
  end
  local hunk = meant_or_told(target)
  if not hunk then
    return nil
  end
  if target.lines then
    return { uri = uri, range = range(target.lines), sessionId = hunk.sessionId }
  end
  return { uri = uri, hunkId = hunk.hunkId, sessionId = hunk.sessionId }
end

---@param command string
---@param target a3s.HunkTarget
local function decide(command, target)
  local what = argument(target)
  if not what then
    return
  end
  client.execute(command, what, function(answer, failed)
    if not failed and #answer.hunks == 0 then
      log.notify("no change of the agent was under review there any more.")
    end
  end)
end

--- Ends the review: the change stays.
---@param target a3s.HunkTarget
function M.keep(target)
  decide("a3s.hunk.keep", target)
end

--- Takes the change back, whatever was typed elsewhere since.
---@param target a3s.HunkTarget
function M.undo(target)
  decide("a3s.hunk.undo", target)
end

--- Asks the agent about a change; without a text, why it was made.
---@param target a3s.HunkTarget
function M.ask(target)
  local hunk = meant_or_told(target)
  if not hunk then
    return
  end
  require("a3s").open()
  local uri = vim.uri_from_bufnr(0)
  client.execute("a3s.hunk.ask", { uri = uri, hunkId = hunk.hunkId, text = target.text, sessionId = hunk.sessionId })
end

---@param lines string[]
---@param title string
---@return integer columns
local function width_of(lines, title)
  local widest = vim.iter(lines):map(api.nvim_strwidth):fold(api.nvim_strwidth(title), math.max)
  return math.min(widest, math.floor(vim.o.columns * 0.8))
end

--- Shows what stood there and what stands there now, in a window that goes with the next move of the cursor.
---@param target a3s.HunkTarget
function M.show(target)
  local hunk = meant_or_told(target)
  if not hunk then
    return
  end
  local diff = differ(hunk.before, hunk.after, { ctxlen = 3 }) --[[@as string]]
  local lines = vim.list_slice(vim.split(vim.trim(diff), "\n", { plain = true }), 2)
  local title = (" a3s: %s "):format(hunk.label)
  local options = { border = "rounded", title = title, width = width_of(lines, title), focus_id = "a3s.hunk" }
  local buf = vim.lsp.util.open_floating_preview(lines, "diff", options)
  vim.bo[buf].syntax = "diff"
end

---@param step 1|-1
local function jump(step)
  local list = hunks.list(api.nvim_get_current_buf())
  if #list == 0 then
    return log.notify("no change of the agent is under review in this buffer.")
  end
  local row, count = cursor_row(), api.nvim_buf_line_count(0)
  local rows = vim.tbl_map(function(item)
    return item.top == item.bottom and math.max(item.top - 1, 0) or math.min(item.top, count - 1)
  end, list)
  local order = step == 1 and vim.iter(rows) or vim.iter(rows):rev()
  local beyond = order:find(function(other)
    return (other - row) * step > 0
  end)
  vim.cmd("normal! m'")
  api.nvim_win_set_cursor(0, { (beyond or rows[step == 1 and 1 or #rows]) + 1, 0 })
end

--- Goes to the next hunk of the buffer, from the last one to the first.
function M.next()
  jump(1)
end

--- Goes to the previous hunk of the buffer.
function M.prev()
  jump(-1)
end

return M
