--- Files that get another path: on the disk, and in the buffer, which keeps its text, saved or not, and its undo history.
local M = {}

local api = vim.api

---@param path string
---@return integer? buf
local function buffer_named(path)
  return vim.iter(api.nvim_list_bufs()):find(function(buf)
    return api.nvim_buf_get_name(buf) == path
  end)
end

--- Why the file cannot be moved, if it cannot.
---@param from string
---@param to string
---@return string?
function M.refusal(from, to)
  if vim.uv.fs_lstat(to) then
    return ("%s cannot be renamed: %s exists"):format(from, to)
  end
  local taken = buffer_named(to)
  if taken and api.nvim_buf_is_loaded(taken) then
    return ("%s cannot be renamed: there is a buffer named %s"):format(from, to)
  end
end

--- Does the change while no server has the buffer; each is told then that one document was closed and another opened.
---@param buf integer
---@param change fun()
local function out_of_sight(buf, change)
  local clients = vim.lsp.get_clients({ bufnr = buf })
  for _, client in ipairs(clients) do
    vim.lsp.buf_detach_client(buf, client.id)
  end
  change()
  for _, client in ipairs(clients) do
    vim.lsp.buf_attach_client(buf, client.id)
  end
end

--- Gives the buffer another name. After `:file` one would have to write with a bang, only `:saveas` makes the new name the
--- buffer's own; a "BufWriteCmd" that does nothing keeps it from saving what the person has not saved.
---@param buf integer
---@param from string
---@param to string
local function rename_buffer(buf, from, to)
  api.nvim_create_autocmd("BufWriteCmd", { buffer = buf, once = true, callback = function() end })
  api.nvim_buf_call(buf, function()
    vim.cmd("silent keepalt saveas! " .. vim.fn.fnameescape(to))
  end)
  local left_behind = buffer_named(from)
  if left_behind then
    api.nvim_buf_delete(left_behind, { force = true })
  end
end

---@param from string
---@param to string
local function rename_undofile(from, to)
  local target = vim.fn.undofile(to)
  if vim.uv.fs_stat(vim.fn.undofile(from)) and target ~= "" then
    vim.uv.fs_rename(vim.fn.undofile(from), target)
  end
end

--- Moves a file that is open in `buf`. Raises if the disk does not let it.
---@param buf integer
---@param from string
---@param to string
function M.move(buf, from, to)
  if vim.uv.fs_lstat(from) then
    vim.fn.mkdir(vim.fs.dirname(to), "p")
    assert(vim.uv.fs_rename(from, to))
    rename_undofile(from, to)
  end
  out_of_sight(buf, function()
    rename_buffer(buf, from, to)
  end)
end

return M
