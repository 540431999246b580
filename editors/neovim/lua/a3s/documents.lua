--- What the server was told last of each buffer that it has: the name, and the version of the text.
---
--- Neovim itself keeps one version for a buffer, whoever is told of it, and 0.10 begins to count anew whenever one more
--- server gets the buffer. An edit is for the text that our server was told, so that is written down as it is sent.
local M = {}

local api = vim.api

---@class (exact) a3s.Document
---@field buf integer
---@field version integer

---@type table<string, a3s.Document> By the path that the server knows.
local documents = {}

---@param path string
---@return integer? buf
local function buffer_named(path)
  return vim.iter(api.nvim_list_bufs()):find(function(buf)
    return api.nvim_buf_is_loaded(buf) and api.nvim_buf_get_name(buf) == path
  end)
end

--- The buffers of names that the server does not have any more.
---@type table<string, integer>
local former = {}

---@type table<string, fun(path: string, version: integer)>
local on = {
  ["textDocument/didOpen"] = function(path, version)
    local buf = buffer_named(path)
    documents[path] = buf and { buf = buf, version = version }
  end,
  ["textDocument/didChange"] = function(path, version)
    if documents[path] then
      documents[path].version = version
    end
  end,
  ["textDocument/didClose"] = function(path)
    former[path] = documents[path] and documents[path].buf
    documents[path] = nil
  end,
}

--- Neovim goes on to announce that a renamed buffer is saved or read again under the name that it had at first.
---@param params {textDocument: {uri: string}}
---@return {textDocument: {uri: string}}
local function renamed(params)
  local path = vim.uri_to_fname(params.textDocument.uri)
  local buf = not documents[path] and former[path]
  if not buf or not api.nvim_buf_is_loaded(buf) then
    return params
  end
  return vim.tbl_deep_extend("force", params, { textDocument = { uri = vim.uri_from_bufnr(buf) } })
end

local LINE_ENDS = { unix = "\n", dos = "\r\n", mac = "\r" }

--- Neovim leaves out, or tells wrongly, that lines go from the end of a buffer that then ends in an empty line. Then the
--- whole text is told.
---@param params {textDocument: {uri: string}, contentChanges: {text: string}[]}
---@return {textDocument: {uri: string}, contentChanges: {text: string}[]}
local function told_in_full(params)
  local document = documents[vim.uri_to_fname(params.textDocument.uri)]
  local takes_away = vim.iter(params.contentChanges):any(function(change)
    return change.text == ""
  end)
  if not takes_away or not document or api.nvim_buf_get_lines(document.buf, -2, -1, false)[1] ~= "" then
    return params
  end
  local buf = document.buf
  local line_end = LINE_ENDS[vim.bo[buf].fileformat]
  local text = table.concat(api.nvim_buf_get_lines(buf, 0, -1, false), line_end)
  text = text .. (vim.bo[buf].endofline and line_end or "")
  return { textDocument = params.textDocument, contentChanges = { { text = text } } }
end

local LATE = { ["textDocument/willSave"] = true, ["textDocument/didClose"] = true }

--- The connection to the server, listened to.
---@param rpc vim.lsp.rpc.PublicClient
---@return vim.lsp.rpc.PublicClient
function M.listen(rpc)
  local notify = rpc.notify
  rpc.notify = function(method, params)
    params = LATE[method] and renamed(params) or params
    params = method == "textDocument/didChange" and told_in_full(params) or params
    if on[method] then
      on[method](vim.uri_to_fname(params.textDocument.uri), params.textDocument.version)
    end
    return notify(method, params)
  end
  return rpc
end

--- The open document of this name, if the server has it.
---@param uri string
---@return a3s.Document?
function M.find(uri)
  return documents[vim.uri_to_fname(uri)]
end

--- Forgets all, because the server is gone.
function M.reset()
  documents, former = {}, {}
end

return M
