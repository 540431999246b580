--- What the person is told, and what is only written down.
local M = {}

--- The log file: what the server logged, and what went wrong here.
---@return string
function M.path()
  return vim.fs.joinpath(vim.fn.stdpath("log") --[[@as string]], "a3s.log")
end

--- Writes a line to the log file.
---@param text string
M.write = vim.schedule_wrap(function(text)
  vim.fn.mkdir(vim.fs.dirname(M.path()), "p")
  vim.fn.writefile({ os.date("%Y-%m-%dT%H:%M:%S ") .. text:gsub("\n", "\n  ") }, M.path(), "a")
end)

--- Tells the person something.
---@param text string
---@param level? integer One of vim.log.levels; information if left out.
M.notify = vim.schedule_wrap(function(text, level)
  vim.notify("a3s: " .. text, level or vim.log.levels.INFO, { title = "a3s" })
end)

--- Tells the person that something failed, and writes it down.
---@param text string
function M.fail(text)
  M.write(text)
  M.notify(text, vim.log.levels.ERROR)
end

--- Shows the log file in a tab of its own.
function M.open()
  vim.cmd("tab drop " .. vim.fn.fnameescape(M.path()))
end

return M
