--- Windows above the others that show something and do not take the focus.
local M = {}

local api = vim.api

--- The place in the upper middle of the editor for that many lines.
---@param title string
---@param lines integer
---@return vim.api.keyset.win_config
function M.place(title, lines)
  local width = math.max(20, math.floor(vim.o.columns * 0.8))
  local height = math.max(1, math.min(lines, math.floor(vim.o.lines * 0.6)))
  return {
    relative = "editor",
    row = 1,
    col = math.floor((vim.o.columns - width) / 2),
    width = width,
    height = height,
    border = "rounded",
    title = " a3s: " .. title .. " ",
    style = "minimal",
    zindex = 40, -- below pickers, which stand at 50
  }
end

--- A buffer for such a window, gone with it.
---@param lines string[]
---@param filetype string
---@return integer
function M.buffer(lines, filetype)
  local buf = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(buf, 0, -1, true, lines)
  vim.bo[buf].bufhidden = "wipe"
  vim.bo[buf].filetype = filetype
  vim.bo[buf].modifiable = false
  return buf
end

--- Shows lines beside a question.
---@param title string
---@param lines string[]
---@param filetype string
---@return integer window
function M.show(title, lines, filetype)
  local place = M.place(title, #lines)
  local below = #lines - place.height
  place.footer = below > 0 and (" %d more lines "):format(below) or nil
  return api.nvim_open_win(M.buffer(lines, filetype), false, place)
end

--- Closes the window, if it is there.
---@param window? integer
function M.close(window)
  if window and api.nvim_win_is_valid(window) then
    api.nvim_win_close(window, true)
  end
end

return M
