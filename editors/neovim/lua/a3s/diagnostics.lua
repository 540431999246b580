--- What the other servers of the editor have to say about one very version of a document, or nothing.
---
--- A list of problems does not tell by itself for which text it was made. So it is written down in which version each
--- server has a document, and what it said about which version. Whatever is in doubt is not known.
local documents = require("a3s.documents")

local M = {}

local api = vim.api
local PUBLISH, PULL = "textDocument/publishDiagnostics", "textDocument/diagnostic"
local HAS_METHODS = vim.fn.has("nvim-0.11") == 1

---@class (exact) a3s.Sight What another server has and said of a document. Versions of ours are what we count by.
---@field theirs? integer The version that the server was told last.
---@field ours? integer The version of ours that has the same text.
---@field about? integer The version of ours that the list is about.
---@field items? lsp.Diagnostic[]

---@type table<string, a3s.Sight> By client and path.
local sights = {}

---@type fun()[] Those who wait, told of everything that is new.
local waiting = {}

---@param client_id integer
---@param uri string
---@return a3s.Sight
local function sight(client_id, uri)
  local key = ("%d %s"):format(client_id, vim.uri_to_fname(uri))
  sights[key] = sights[key] or {}
  return sights[key]
end

local function tell_waiting()
  for _, look in ipairs(vim.list_slice(waiting)) do
    look()
  end
end

--- The text that the server was given when it opened the document is ours if the buffer still has it.
---@param opened lsp.TextDocumentItem
---@return integer? version
local function version_of_opened(opened)
  local document = documents.find(opened.uri)
  if not document then
    return nil
  end
  local ended = vim.bo[document.buf].endofline and "\n" or ""
  local text = table.concat(api.nvim_buf_get_lines(document.buf, 0, -1, true), "\n") .. ended
  return opened.text:gsub("\r\n?", "\n") == text and document.version or nil
end

--- A change has the same version for every server, for it is the buffer's.
---@param client_id integer
---@param method string
---@param told lsp.TextDocumentItem|lsp.VersionedTextDocumentIdentifier
local function on_told(client_id, method, told)
  local seen = sight(client_id, told.uri)
  seen.theirs = told.version
  seen.ours = method == "textDocument/didChange" and told.version or version_of_opened(told)
  tell_waiting()
end

---@param client_id integer
---@param params lsp.PublishDiagnosticsParams
local function on_published(client_id, params)
  local seen = sight(client_id, params.uri)
  local current = params.version == nil or params.version == vim.NIL or params.version == seen.theirs
  seen.about = current and seen.ours or nil
  seen.items = params.diagnostics
  tell_waiting()
end

--- The tables of handlers that are listened to; several clients may share one.
local listened = setmetatable({}, { __mode = "k" })

---@param client vim.lsp.Client
local function listen(client)
  if client.name == "a3s" or listened[client.handlers] then
    return
  end
  listened[client.handlers] = true
  local own = client.handlers[PUBLISH]
  client.handlers[PUBLISH] = function(failure, params, context, config)
    if params then
      on_published(context.client_id, params)
    end
    return (own or vim.lsp.handlers[PUBLISH])(failure, params, context, config)
  end
end

local TOLD = { ["textDocument/didOpen"] = true, ["textDocument/didChange"] = true }

--- Listens to what the other servers are told and what they say, from now on.
function M.watch()
  local group = api.nvim_create_augroup("a3s.diagnostics", { clear = true })
  vim.iter(vim.lsp.get_clients()):each(listen)
  api.nvim_create_autocmd("LspAttach", {
    group = group,
    desc = "Listen to the problems that the server finds",
    callback = function(event)
      listen(assert(vim.lsp.get_client_by_id(event.data.client_id)))
    end,
  })
  api.nvim_create_autocmd("LspNotify", {
    group = group,
    desc = "Note which text the server has",
    callback = function(event)
      if TOLD[event.data.method] then
        on_told(event.data.client_id, event.data.method, event.data.params.textDocument)
      end
    end,
  })
end

---@param client vim.lsp.Client
---@param buf integer
---@return boolean
local function answers_questions(client, buf)
  if HAS_METHODS then
    return client:supports_method(PULL, buf)
  end
  return client.supports_method(PULL, { bufnr = buf })
end

---@class (exact) a3s.Inquiry
---@field uri string
---@field buf integer
---@field version integer
---@field pulled table<integer, lsp.Diagnostic[]|false> Answers of the servers that can be asked; false is a failure.
---@field clients vim.lsp.Client[]

---@param inquiry a3s.Inquiry
---@param client vim.lsp.Client
local function pull(inquiry, client)
  local params = {
    textDocument = { uri = inquiry.uri },
    identifier = vim.tbl_get(client.server_capabilities, "diagnosticProvider", "identifier"),
  }
  local function handler(failure, report)
    local full = not failure and type(report) == "table" and report.kind == "full"
    inquiry.pulled[client.id] = full and report.items or false
    tell_waiting()
  end
  if HAS_METHODS then
    client:request(PULL, params, handler, inquiry.buf)
  else
    client.request(PULL, params, handler, inquiry.buf)
  end
end

--- The list of one server; false if there will be none, nil as long as it may come.
---@param inquiry a3s.Inquiry
---@param client vim.lsp.Client
---@return lsp.Diagnostic[]|false|nil
local function list_of(inquiry, client)
  if client:is_stopped() then
    return false
  end
  if answers_questions(client, inquiry.buf) then
    return inquiry.pulled[client.id]
  end
  local seen = sight(client.id, inquiry.uri)
  if seen.about == inquiry.version then
    return seen.items
  end
end

--- The whole answer; nil as long as something is awaited.
---@param inquiry a3s.Inquiry
---@return table?
local function answer(inquiry)
  local document = documents.find(inquiry.uri)
  if not document or document.version ~= inquiry.version then
    return { unknown = true }
  end
  local items = {}
  for _, client in ipairs(inquiry.clients) do
    local list = list_of(inquiry, client)
    if list == false then
      return { unknown = true }
    end
    if not list then
      return nil
    end
    vim.list_extend(items, list)
  end
  return { version = inquiry.version, items = items }
end

---@param buf integer
---@return vim.lsp.Client[]
local function others(buf)
  return vim.tbl_filter(function(client)
    return client.name ~= "a3s"
  end, vim.lsp.get_clients({ bufnr = buf }))
end

--- Waits until all lists are there, the text has changed, or the time is over.
---@param inquiry a3s.Inquiry
---@param wait_ms integer
---@return table answer
local function wait(inquiry, wait_ms)
  local thread = coroutine.running()
  local found
  local function finish(result)
    if found then
      return
    end
    found = result
    vim.schedule(function()
      assert(coroutine.resume(thread))
    end)
  end
  local function look()
    local result = answer(inquiry)
    if result then
      finish(result)
    end
  end
  table.insert(waiting, look)
  vim.defer_fn(function()
    finish({ unknown = true })
  end, wait_ms)
  look()
  coroutine.yield()
  waiting = vim.tbl_filter(function(other)
    return other ~= look
  end, waiting)
  return found
end

--- Handles `a3s/diagnostics`.
---@param params {uri: string, version: integer, waitMs: integer}
---@return {version: integer, items: lsp.Diagnostic[]}|{unknown: true}
function M.ask(params)
  local document = documents.find(params.uri)
  local clients = document and others(document.buf) or {}
  if not document or document.version ~= params.version or #clients == 0 then
    return { unknown = true }
  end
  local inquiry = { uri = params.uri, buf = document.buf, version = params.version, pulled = {}, clients = clients }
  for _, client in ipairs(clients) do
    if answers_questions(client, document.buf) then
      pull(inquiry, client)
    end
  end
  return wait(inquiry, params.waitMs)
end

return M
