--- Edits of the server: applied whole, as one step of undo in each buffer, or refused with the reason.
---
--- Neovim's own handler says that an edit for an older version was applied, although it skips it. The server takes
--- "applied" as a promise, so everything is checked here before anything is changed.
local documents = require("a3s.documents")
local moves = require("a3s.moves")
local protocol = require("a3s.protocol")
local textedits = require("a3s.textedits")

local M = {}

local api = vim.api

---@class (exact) a3s.Step One part of an edit that can be made.
---@field buf integer
---@field edits? lsp.TextEdit[]
---@field from? string
---@field to? string

---@param change lsp.TextDocumentEdit
---@param document? a3s.Document
---@return string? reason
local function refusal(change, document)
  local path = vim.uri_to_fname(change.textDocument.uri)
  if not document then
    return path .. " is not open"
  end
  if not vim.bo[document.buf].modifiable then
    return path .. " cannot be modified in its buffer ('nomodifiable')"
  end
  if vim.bo[document.buf].readonly then
    return path .. " is read-only in its buffer ('readonly')"
  end
  local version = change.textDocument.version
  if version and version ~= document.version then
    return path .. " has changed since the edit was made"
  end
  for _, edit in ipairs(change.edits) do
    if textedits.leaves_line_unended(document.buf, edit) then
      return ("the last line of %s must keep its line end, for its buffer has 'endofline'"):format(path)
    end
  end
end

---@param change lsp.RenameFile
---@param moved table<string, a3s.Document> Open documents by the path that they are about to get.
---@return a3s.Step? step
---@return string? reason
local function plan_move(change, moved)
  local from, to = vim.uri_to_fname(change.oldUri), vim.uri_to_fname(change.newUri)
  local document = documents.find(change.oldUri)
  local reason = not document and from .. " is not open" or moves.refusal(from, to)
  if reason then
    return nil, reason
  end
  moved[to] = document
  return { buf = assert(document).buf, from = from, to = to }
end

---@param change lsp.TextDocumentEdit
---@param moved table<string, a3s.Document>
---@return a3s.Step? step
---@return string? reason
local function plan_edits(change, moved)
  local document = moved[vim.uri_to_fname(change.textDocument.uri)] or documents.find(change.textDocument.uri)
  local reason = refusal(change, document)
  if reason then
    return nil, reason
  end
  return { buf = assert(document).buf, edits = change.edits }
end

--- What is to be done, in order, or why it cannot be.
---@param edit lsp.WorkspaceEdit
---@return a3s.Step[] steps
---@return string? reason
local function plan(edit)
  local steps, moved = {}, {}
  for _, change in ipairs(edit.documentChanges or {}) do
    local step, reason
    if change.kind == "rename" then
      step, reason = plan_move(change, moved)
    elseif change.kind then
      reason = ("files cannot be changed by %q in this editor"):format(change.kind)
    else
      step, reason = plan_edits(change, moved)
    end
    if reason then
      return {}, reason
    end
    table.insert(steps, step)
  end
  return steps
end

---@param buf integer
local function begin_undo_step(buf)
  api.nvim_buf_call(buf, function()
    vim.cmd("let &l:undolevels = &l:undolevels")
  end)
end

--- Makes one step and returns what takes it back. What the person types before and after it is undone apart from it.
---@param step a3s.Step
---@param encoding string
---@param take_back fun(back: fun()) Called before anything is changed.
local function make(step, encoding, take_back)
  if not step.edits then
    moves.move(step.buf, step.from, step.to)
    return take_back(function()
      moves.move(step.buf, step.to, step.from)
    end)
  end
  begin_undo_step(step.buf)
  local before = vim.fn.undotree(step.buf).seq_cur
  take_back(function()
    api.nvim_buf_call(step.buf, function()
      vim.cmd("silent undo " .. before)
    end)
  end)
  textedits.apply(step.buf, step.edits, encoding)
  begin_undo_step(step.buf)
end

--- Makes all steps, or none.
---@param steps a3s.Step[]
---@param encoding string
---@return string? failure
local function make_all(steps, encoding)
  local backs = {}
  local made, failure = pcall(function()
    for _, step in ipairs(steps) do
      make(step, encoding, function(back)
        table.insert(backs, 1, back)
      end)
    end
  end)
  if made then
    return nil
  end
  local reason = tostring(failure)
  for _, back in ipairs(backs) do
    local restored, trouble = pcall(back)
    if not restored then
      reason = ("%s; a part of it could not be taken back: %s"):format(reason, trouble)
    end
  end
  return reason
end

--- Handles `workspace/applyEdit`.
---@param params lsp.ApplyWorkspaceEditParams
---@param client vim.lsp.Client
---@return lsp.ApplyWorkspaceEditResult
function M.apply(params, client)
  local steps, reason = plan(protocol.plain(params.edit))
  local failure = reason or make_all(steps, client.offset_encoding)
  return { applied = failure == nil, failureReason = failure }
end

return M
