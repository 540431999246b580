--- The conversation as a buffer: events are appended as they come, nobody's cursor or focus is moved.
local config = require("a3s.config")

local M = {}

local api = vim.api
local marks = api.nvim_create_namespace("a3s.transcript")
local NAME = "a3s://transcript"
local SIGNS = { running = "…", waiting = "?", done = "✓", failed = "✗" }
--- The argument that says best what a call is about, in this order.
local TELLING = { "command", "file_path", "path", "pattern", "query", "url", "name", "description", "prompt" }

---@class (exact) a3s.ToolLine
---@field mark integer
---@field name string
---@field state "running"|"waiting"|"done"|"failed"
---@field input string JSON of the arguments, as far as it has come.
---@field about? string
---@field note? string

---@type integer?
local buffer
---@type "text"|"list"|nil What the last line may be continued with.
local tail
---@type table<string, a3s.ToolLine>
local tools = {}
--- Where the turn that is going began, should it be cut and come again.
---@type {run: string, turn: integer, lines: integer}?
local turn

local function create()
  if vim.fn.bufexists(NAME) == 1 then
    api.nvim_buf_delete(vim.fn.bufadd(NAME), { force = true })
  end
  buffer = api.nvim_create_buf(false, true)
  api.nvim_buf_set_name(buffer, NAME)
  vim.bo[buffer].undolevels = -1
  vim.bo[buffer].filetype = "a3s"
  vim.bo[buffer].syntax = "markdown"
  vim.bo[buffer].modifiable = false
  tail, tools, turn = nil, {}, nil
  return buffer
end

--- The transcript's buffer, made if there is none.
---@return integer
function M.buffer()
  return buffer and api.nvim_buf_is_loaded(buffer) and buffer or create()
end

--- Windows whose cursor is on the last line: these follow the text.
local function followers(buf)
  local last = api.nvim_buf_line_count(buf)
  return vim.tbl_filter(function(window)
    return api.nvim_win_get_cursor(window)[1] == last
  end, vim.fn.win_findbuf(buf))
end

---@param change fun(buf: integer)
local function write(change)
  local buf = M.buffer()
  local following = followers(buf)
  vim.bo[buf].modifiable = true
  change(buf)
  vim.bo[buf].modifiable = false
  for _, window in ipairs(following) do
    api.nvim_win_set_cursor(window, { api.nvim_buf_line_count(buf), 0 })
  end
end

--- Adds lines, after an empty one unless they continue a list. `after` gets the first new row.
---@param lines string[]
---@param kind "text"|"list"|nil
---@param after? fun(buf: integer, row: integer)
local function append_block(lines, kind, after)
  write(function(buf)
    local count = api.nvim_buf_line_count(buf)
    local last = api.nvim_buf_get_lines(buf, -2, -1, true)[1]
    local fresh = count == 1 and last == ""
    local gap = last ~= "" and not (kind == "list" and tail == "list")
    local row = fresh and 0 or count + (gap and 1 or 0)
    api.nvim_buf_set_lines(buf, fresh and 0 or -1, -1, true, gap and vim.list_extend({ "" }, lines) or lines)
    tail = kind
    if after then
      after(buf, row)
    end
  end)
end

local function append_text(text)
  if tail ~= "text" then
    append_block({ "" }, "text")
  end
  write(function(buf)
    api.nvim_buf_set_text(buf, -1, -1, -1, -1, vim.split(text, "\n", { plain = true }))
  end)
end

--- One line of at most 100 characters.
local function brief(text)
  local line = vim.trim(text):gsub("%s*\n.*", " …")
  return vim.fn.strchars(line) > 100 and vim.fn.strcharpart(line, 0, 99) .. "…" or line
end

local function about(args)
  for _, key in ipairs(TELLING) do
    if type(args[key]) == "string" and args[key] ~= "" then
      return brief(args[key])
    end
  end
end

---@param tool a3s.ToolLine
local function render(tool)
  local line = ("- %s %s"):format(SIGNS[tool.state], tool.name)
  line = tool.about and line .. ": " .. tool.about or line
  return tool.note and ("%s (%s)"):format(line, tool.note) or line
end

---@param event a3s.Event
---@param change fun(tool: a3s.ToolLine)
local function update_tool(event, change)
  local tool = tools[event.tool_id]
  if not tool then
    return
  end
  change(tool)
  write(function(buf)
    local row = api.nvim_buf_get_extmark_by_id(buf, marks, tool.mark, {})[1]
    api.nvim_buf_set_lines(buf, row, row + 1, true, { render(tool) })
    api.nvim_buf_set_extmark(buf, marks, row, 0, { id = tool.mark })
  end)
end

local function add_tool(event)
  local tool = { mark = 0, name = event.tool_name, state = "running", input = "" }
  append_block({ render(tool) }, "list", function(buf, row)
    tool.mark = api.nvim_buf_set_extmark(buf, marks, row, 0, {})
  end)
  tools[event.tool_id] = tool
end

local function add_input(event)
  local tool = tools[event.tool_id]
  if not tool then
    return
  end
  tool.input = tool.input .. event.text
  local whole, args = pcall(vim.json.decode, tool.input)
  if whole and type(args) == "table" then
    update_tool(event, function()
      tool.about = about(args)
    end)
  end
end

local function end_tool(event)
  update_tool(event, function(tool)
    if event.exit_code == 0 and not event.error_kind then
      tool.state = "done"
    else
      tool.state = "failed"
      tool.note = tool.note or brief(event.tool_output or "")
    end
  end)
end

local function list_files(event)
  update_tool(event, function(tool)
    local names = vim.tbl_map(function(file)
      return ("%s %s"):format(file.change, vim.fn.fnamemodify(file.path, ":."))
    end, event.files)
    tool.note = brief(table.concat(names, ", "))
  end)
end

local function cost(event)
  local usage = event.usage or {}
  local parts = { ("%d tokens"):format(event.total_tokens or 0) }
  if type(usage.cost) == "number" then
    table.insert(parts, ("$%.4f"):format(usage.cost))
  end
  return table.concat(parts, ", ")
end

local function quote(prefix, text)
  return vim.split(prefix .. vim.trim(text), "\n", { plain = true })
end

--- A turn that comes twice was cut: what came of it is dropped.
local function begin_turn(event)
  if turn and turn.run == event.runId and turn.turn == event.turn then
    write(function(buf)
      api.nvim_buf_set_lines(buf, turn.lines, -1, true, {})
    end)
  end
  tail = nil
  turn = { run = event.runId, turn = event.turn, lines = api.nvim_buf_line_count(M.buffer()) }
end

---@type table<string, fun(event: a3s.Event)>
local on = {
  queued = function(event)
    append_block({ "*waits its turn: " .. brief(event.prompt) .. "*" })
  end,
  turn_start = begin_turn,
  start = function(event)
    append_block(vim.list_extend({ "## You", "" }, quote("", event.prompt)))
    append_block({ "## a3s" })
  end,
  run_resumed = function()
    append_block({ "*going on where it was cut*" })
  end,
  model_retry = function(event)
    append_block({ "*asking the model again: " .. brief(event.message) .. "*" })
  end,
  continuation = function(event)
    append_block({ "*the agent was told: " .. brief(event.text) .. "*" })
  end,
  planning_end = function(event)
    local lines = {}
    for number, step in ipairs(event.plan.steps) do
      lines[#lines + 1] = ("%d. %s"):format(number, brief(step.content))
    end
    if lines[1] then
      append_block(vim.list_extend({ "*Plan*", "" }, lines))
    end
  end,
  step_start = function(event)
    append_block({ ("*step %d of %d: %s*"):format(event.step_number, event.total_steps, brief(event.description)) })
  end,
  step_end = function(event)
    if event.status ~= "completed" then
      append_block({ ("*step %d: %s*"):format(event.step_number, event.status) })
    elseif event.text then
      append_block(vim.list_extend({ ("*step %d is done*"):format(event.step_number), "" }, vim.split(event.text, "\n")))
    end
  end,
  budget_threshold_hit = function(event)
    append_block({ "*budget: " .. brief(event.message) .. "*" })
  end,
  steered = function(event)
    append_block(vim.tbl_map(function(line)
      return "> " .. line
    end, quote("You: ", event.text)))
  end,
  text_delta = function(event)
    append_text(event.text)
  end,
  tool_start = add_tool,
  tool_input_delta = add_input,
  tool_end = end_tool,
  files_changed = list_files,
  permission_denied = function(event)
    update_tool(event, function(tool)
      tool.about = tool.about or about(event.args)
      tool.note = brief("denied: " .. event.reason)
    end)
  end,
  confirmation_required = function(event)
    update_tool(event, function(tool)
      tool.about = about(event.args) or brief(event.detail or "")
      tool.state, tool.note = "waiting", "waits for you: " .. event.title
    end)
  end,
  confirmation_received = function(event)
    update_tool(event, function(tool)
      tool.state = "running"
      tool.note = not event.approved and brief("denied: " .. (event.reason or "by you")) or nil
    end)
  end,
  confirmation_timeout = function(event)
    update_tool(event, function(tool)
      tool.state, tool.note = "running", "no answer in time: " .. event.action_taken
    end)
  end,
  rewound = function(event)
    append_block({ event.files and "*rewound, files too*" or "*rewound, the files are as they were*" })
  end,
  ["end"] = function(event)
    append_block({ ("*%s*"):format(cost(event)) })
  end,
  cancelled = function(event)
    append_block({ ("*stopped, %s*"):format(cost(event)) })
  end,
  error = function(event)
    append_block(quote("**Error:** ", event.error))
  end,
}

---@param event a3s.Event
function M.on_event(event)
  M.buffer()
  if on[event.type] then
    on[event.type](event)
  end
end

--- Adds the answer of a slash command.
---@param title string
---@param text string
function M.note(title, text)
  append_block(vim.list_extend({ "## " .. title, "" }, quote("", text)))
end

--- Empties the transcript, for another session.
function M.clear()
  write(function(buf)
    api.nvim_buf_clear_namespace(buf, marks, 0, -1)
    api.nvim_buf_set_lines(buf, 0, -1, true, {})
  end)
  tail, tools, turn = nil, {}, nil
end

--- Shows the transcript at the right side, at its end, and leaves the cursor where it is.
function M.open()
  local buf = M.buffer()
  if #vim.fn.win_findbuf(buf) > 0 then
    return
  end
  local width = math.min(config.get().transcript.width, math.floor(vim.o.columns / 2))
  local window = api.nvim_open_win(buf, false, { split = "right", win = -1, width = width })
  vim.wo[window][0].wrap = true
  vim.wo[window][0].linebreak = true
  vim.wo[window][0].number = false
  vim.wo[window][0].relativenumber = false
  vim.wo[window][0].signcolumn = "no"
  api.nvim_win_set_cursor(window, { api.nvim_buf_line_count(buf), 0 })
end

return M
