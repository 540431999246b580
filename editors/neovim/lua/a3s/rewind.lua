--- Going back to where files and conversation were before a prompt or a call, and forth again.
local client = require("a3s.client")
local float = require("a3s.float")
local log = require("a3s.log")

local M = {}

local COMMAND = "a3s.rewind"

---@param point a3s.Point
local function label(point)
  local text = ("%s  %s"):format(os.date("%H:%M", math.floor(point.time / 1000)), point.label)
  return point.kind == "run" and text or "  " .. text
end

---@param preview {files: {path: string, change: string}[], messages: integer, leftOut: string[]}
---@return string[]
local function preview_lines(preview)
  local lines = { #preview.files > 0 and "These files change:" or "No file changes." }
  for _, file in ipairs(preview.files) do
    table.insert(lines, ("  %-8s %s"):format(file.change, vim.fn.fnamemodify(file.path, ":.")))
  end
  table.insert(lines, ("The conversation keeps %d messages."):format(preview.messages))
  for _, path in ipairs(preview.leftOut or {}) do
    table.insert(lines, ("Left as it is: %s"):format(path))
  end
  return lines
end

local CHOICES = {
  { label = "Files and conversation", files = true, conversation = true },
  { label = "Only the files", files = true, conversation = false },
  { label = "Only the conversation", files = false, conversation = true },
  { label = "Leave all as it is" },
}

---@param point a3s.Point
---@param choice {files: boolean, conversation: boolean}
local function go(point, choice)
  local argument = { to = point.id, files = choice.files, conversation = choice.conversation }
  client.execute(COMMAND, argument, function(answer, failed)
    if not failed then
      log.notify(("went to %q, %d files changed. `:A3S rewind redo` goes back."):format(point.label, #answer.files))
    end
  end)
end

---@param point a3s.Point
---@param preview table
local function ask(point, preview)
  local window = float.show("rewind to " .. point.label, preview_lines(preview), "")
  vim.cmd.redraw()
  local options = {
    prompt = "a3s: rewind",
    kind = "a3s_rewind",
    format_item = function(choice)
      return choice.label
    end,
  }
  vim.ui.select(CHOICES, options, function(choice)
    float.close(window)
    if choice and choice.files ~= nil then
      go(point, choice)
    end
  end)
end

---@param point a3s.Point
local function look_and_ask(point)
  client.execute(COMMAND, { to = point.id, preview = true }, function(preview, failed)
    if not failed then
      ask(point, preview)
    end
  end)
end

---@param use fun(points: a3s.Point[])
local function with_points(use)
  client.execute(COMMAND, nil, function(answer, failed)
    if not failed then
      use(answer.points)
    end
  end)
end

--- Lets the person pick a point, shows what would change, asks, and goes there.
function M.pick()
  with_points(function(points)
    if #points == 0 then
      return log.notify("there is nothing to go back to yet.")
    end
    vim.ui.select(points, { prompt = "a3s: rewind to", kind = "a3s_point", format_item = label }, function(point)
      if point then
        look_and_ask(point)
      end
    end)
  end)
end

--- Takes the last rewind back, after the same question.
function M.redo()
  with_points(function(points)
    local last
    for _, point in ipairs(points) do
      if point.kind == "rewind" and (not last or point.time > last.time) then
        last = point
      end
    end
    if not last then
      return log.notify("nothing was rewound.")
    end
    look_and_ask(last)
  end)
end

return M
