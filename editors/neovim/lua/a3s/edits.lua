--- Edits of the server: applied to the buffers whole, as one step of undo each, or refused.
---
--- Neovim's own handler says that an edit for an older version was applied, although it skips it. The server takes
--- "applied" as a promise, so versions are checked here first.
local M = {}

---@param document {uri: string, version?: integer}
---@return string? reason
local function refusal(document)
  local path = vim.uri_to_fname(document.uri)
  if vim.fn.bufloaded(path) == 0 then
    return path .. " is not open"
  end
  local buf = vim.fn.bufadd(path)
  if not vim.bo[buf].modifiable then
    return path .. " cannot be modified in its buffer"
  end
  if vim.lsp.util.buf_versions[buf] ~= document.version then
    return path .. " has changed since the edit was made"
  end
end

---@param buf integer
local function begin_undo_step(buf)
  vim.api.nvim_buf_call(buf, function()
    vim.cmd("let &l:undolevels = &l:undolevels")
  end)
end

--- The buffers of the edit, or why it cannot be applied.
---@param edit lsp.WorkspaceEdit
---@return integer[] buffers
---@return string? reason
local function targets(edit)
  local buffers = {}
  for _, change in ipairs(edit.documentChanges or {}) do
    local reason = change.textDocument and refusal(change.textDocument)
    if reason then
      return {}, reason
    end
    if change.textDocument then
      table.insert(buffers, vim.uri_to_bufnr(change.textDocument.uri))
    end
  end
  return buffers
end

--- Handles `workspace/applyEdit`.
---@param params lsp.ApplyWorkspaceEditParams
---@param client vim.lsp.Client
---@return lsp.ApplyWorkspaceEditResult
function M.apply(params, client)
  local buffers, reason = targets(params.edit)
  if reason then
    return { applied = false, failureReason = reason }
  end
  vim.iter(buffers):each(begin_undo_step)
  local applied, failure = pcall(vim.lsp.util.apply_workspace_edit, params.edit, client.offset_encoding)
  vim.iter(buffers):each(begin_undo_step)
  return { applied = applied, failureReason = not applied and tostring(failure) or nil }
end

return M
