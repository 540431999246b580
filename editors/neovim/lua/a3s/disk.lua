--- Buffers and the disk, at the server's request: saving as the person would, and reading again what is newer there.
local documents = require("a3s.documents")

local M = {}

local api = vim.api

local LOOK_MS = 50

--- Does what may ask the person something ("the file has changed since reading it"), and declines whatever it asks.
---@param action fun()
---@return boolean done False if it failed.
local function unasked(action)
  local timer = assert(vim.uv.new_timer())
  timer:start(LOOK_MS, LOOK_MS, function()
    if api.nvim_get_mode().mode:match("^r") then
      api.nvim_input("<Esc>")
    end
  end)
  local done = pcall(action)
  timer:close()
  vim.cmd.redraw() -- else Neovim would wait for a key, so that the question can be read
  return done
end

---@param buf integer
---@return boolean saved
local function save(buf)
  local done = unasked(function()
    api.nvim_buf_call(buf, function()
      vim.cmd("silent update")
    end)
  end)
  return done and not vim.bo[buf].modified
end

--- Reads the file again if the disk has a newer one. That is a step of undo, and windows stay where they are.
---@param buf integer
---@return boolean reloaded
local function reload(buf)
  if vim.bo[buf].modified or not vim.uv.fs_stat(api.nvim_buf_get_name(buf)) then
    return false
  end
  local own = vim.bo[buf].autoread
  vim.bo[buf].autoread = true
  local done = unasked(function()
    vim.cmd(("silent checktime %d"):format(buf))
  end)
  vim.bo[buf].autoread = own
  return done and not vim.bo[buf].modified
end

---@param uris string[]
---@param action fun(buf: integer): boolean
---@return string[] done
local function each_document(uris, action)
  return vim.tbl_filter(function(uri)
    local document = documents.find(uri)
    return document ~= nil and action(document.buf)
  end, uris)
end

--- Handles `a3s/save`.
---@param params {uris: string[]}
---@return {saved: string[]}
function M.save(params)
  return { saved = each_document(params.uris, save) }
end

--- Handles `a3s/reload`.
---@param params {uris: string[]}
---@return {reloaded: string[]}
function M.reload(params)
  return { reloaded = each_document(params.uris, reload) }
end

return M
