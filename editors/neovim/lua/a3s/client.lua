--- The one connection to the server: starting it, lending it the buffers of the workspace, sending it commands.
local config = require("a3s.config")
local confirm = require("a3s.confirm")
local diagnostics = require("a3s.diagnostics")
local disk = require("a3s.disk")
local documents = require("a3s.documents")
local edits = require("a3s.edits")
local hunks = require("a3s.hunks")
local log = require("a3s.log")
local protocol = require("a3s.protocol")
local session = require("a3s.session")
local status = require("a3s.status")
local transcript = require("a3s.transcript")

local M = {}

local STOP_PATIENCE_MS = 3000
--- Every change is told at once: the server then knows all that an edit did before it hears that the edit was applied.
local DEBOUNCE_MS = 0
--- A client's methods are plain functions in 0.10.
local HAS_METHODS = vim.fn.has("nvim-0.11") == 1

---@class (exact) a3s.ClientState
---@field id? integer
---@field root? string
---@field ready boolean
---@field stopping boolean
---@field when_ready fun(client: vim.lsp.Client)[]
---@field when_stopped fun()[]
---@field commands? a3s.SlashCommand[] The newest list, if the server told one since it said hello.
local state = { ready = false, stopping = false, when_ready = {}, when_stopped = {} }

---@param client vim.lsp.Client
---@param name "request"|"request_sync"|"stop"
local function call(client, name, ...)
  if HAS_METHODS then
    return client[name](client, ...)
  end
  return client[name](...)
end

--- One attempt is enough, a command tries again.
local autostarted = false

---@return vim.lsp.Client?
local function connected()
  return state.ready and vim.lsp.get_client_by_id(state.id) or nil
end

--- The workspace that the server has, if it runs.
---@return string?
function M.root()
  return state.root
end

--- The slash commands of the server.
---@return a3s.SlashCommand[]
function M.slash_commands()
  local client = connected()
  if client and state.commands then
    return state.commands
  end
  return client and vim.tbl_get(client.server_capabilities, "experimental", "a3s", "commands") or {}
end

---@param buf integer
local function is_file(buf)
  local name = vim.api.nvim_buf_get_name(buf)
  return vim.api.nvim_buf_is_loaded(buf)
    and vim.bo[buf].buftype == ""
    and name ~= ""
    and not name:match("^%a[%w+.-]+://")
end

---@param buf integer
local function find_root(buf)
  local start = is_file(buf) and vim.fs.dirname(vim.api.nvim_buf_get_name(buf)) or vim.fn.getcwd()
  local found = vim.fs.find(config.get().root_markers, { upward = true, path = start })[1]
  return found and vim.fs.dirname(found) or vim.fn.getcwd()
end

local function real(path)
  return vim.fs.normalize(vim.uv.fs_realpath(path) or path)
end

---@param buf integer
local function is_in_workspace(buf)
  local name, root = vim.api.nvim_buf_get_name(buf), real(state.root)
  return vim.startswith(vim.fs.joinpath(real(vim.fs.dirname(name)), ""), vim.fs.joinpath(root, ""))
end

--- Lends a buffer to the server, if it is a file of the workspace.
---@param buf integer
local function attach(buf)
  if connected() and is_file(buf) and is_in_workspace(buf) then
    vim.lsp.buf_attach_client(buf, state.id)
    hunks.draw(buf)
  end
end

--- Takes a buffer back that is about to get another name; `lend` gives it again.
---@param buf integer
local function withdraw(buf)
  if state.id and vim.lsp.buf_is_attached(buf, state.id) then
    vim.lsp.buf_detach_client(buf, state.id)
  end
end

---@param client vim.lsp.Client
local function on_init(client)
  state.ready = true
  status.reset("on")
  vim.iter(vim.api.nvim_list_bufs()):each(attach)
  local callbacks = state.when_ready
  state.when_ready = {}
  for _, callback in ipairs(callbacks) do
    callback(client)
  end
end

---@param code integer
---@param signal integer
local function on_exit(code, signal)
  local asked_for, callbacks = state.stopping, state.when_stopped
  state = { ready = false, stopping = false, when_ready = {}, when_stopped = {} }
  confirm.withdraw_all()
  documents.reset()
  hunks.reset()
  status.reset("off")
  if not asked_for then
    log.fail(
      ("the server stopped by itself (code %d, signal %d). `:A3S restart` starts it again."):format(code, signal)
    )
    log.write("its standard error is in " .. require("vim.lsp.log").get_filename())
  end
  for _, callback in ipairs(callbacks) do
    callback()
  end
end

---@param event a3s.Event
local function on_event(event)
  confirm.on_event(event)
  if session.accepts(event) then
    status.on_event(event)
    transcript.on_event(event)
  end
end

---@type table<string, lsp.Handler>
local handlers = {
  [protocol.EVENT] = function(_, event)
    on_event(protocol.plain(event))
  end,
  [protocol.CONFIRM] = function(_, question)
    return confirm.ask(protocol.plain(question))
  end,
  [protocol.HUNKS] = function(_, params)
    hunks.on_hunks(protocol.plain(params))
  end,
  [protocol.SAVE] = function(_, params)
    return disk.save(params)
  end,
  [protocol.RELOAD] = function(_, params)
    return disk.reload(params)
  end,
  [protocol.DIAGNOSTICS] = function(_, params)
    return diagnostics.ask(params)
  end,
  [protocol.COMMANDS] = function(_, params)
    state.commands = protocol.plain(params.commands)
  end,
  ["$/cancelRequest"] = confirm.on_cancel_request,
  ["workspace/applyEdit"] = function(_, params, context)
    return edits.apply(params, assert(vim.lsp.get_client_by_id(context.client_id)))
  end,
  ["window/logMessage"] = function(_, params)
    log.write(params.message)
  end,
}

--- The messages beyond the standard that are understood here.
local UNDERSTOOD = {
  events = true,
  confirm = true,
  hunks = true,
  save = true,
  reload = true,
  diagnostics = true,
  commands = true,
}

--- Neovim understands versioned edits, but does not say so by itself. Of the operations on files, `edits` does one.
local function capabilities()
  local supported = vim.lsp.protocol.make_client_capabilities()
  supported.workspace.workspaceEdit.documentChanges = true
  supported.workspace.workspaceEdit.resourceOperations = { "rename" }
  -- `edits` looks at everything before it does anything, and takes it back if it fails all the same.
  supported.workspace.workspaceEdit.failureHandling = "transactional"
  return supported
end

---@param root string
---@return vim.lsp.ClientConfig
local function client_config(root)
  local options = config.get()
  local section = protocol.object(options.settings)
  section.client = UNDERSTOOD
  return {
    name = "a3s",
    cmd = function(dispatchers)
      return documents.listen(vim.lsp.rpc.start(options.cmd, dispatchers, { cwd = root, env = options.env }))
    end,
    root_dir = root,
    init_options = { a3s = section },
    settings = { a3s = section },
    capabilities = capabilities(),
    handlers = handlers,
    flags = { debounce_text_changes = DEBOUNCE_MS },
    on_init = on_init,
    on_exit = vim.schedule_wrap(on_exit),
  }
end

---@return integer? id
local function spawn(root)
  if HAS_METHODS then
    return vim.lsp.start(client_config(root), {
      attach = false,
      reuse_client = function()
        return false
      end,
    })
  end
  return (vim.lsp.start_client(client_config(root)))
end

--- Starts the server for the workspace of the current buffer, unless it runs. Says what to do if it cannot be started.
---@return boolean started
function M.start()
  if state.id then
    return true
  end
  autostarted = true
  local command = config.get().cmd[1]
  if vim.fn.executable(command) == 0 then
    log.fail(("the server `%s` was not found. Install it with `pipx install a3s-lsp`, or set `cmd`."):format(command))
    return false
  end
  M.watch()
  status.reset("starting")
  state.root = find_root(vim.api.nvim_get_current_buf())
  state.id = spawn(state.root)
  if not state.id then
    status.reset("off")
    log.fail(("the server `%s` could not be started; see `:checkhealth a3s`."):format(command))
  end
  return state.id ~= nil
end

---@param buf integer
local function lend(buf)
  if not vim.api.nvim_buf_is_valid(buf) or not is_file(buf) then
    return
  end
  if config.get().autostart and not autostarted and not state.id then
    M.start()
  end
  attach(buf)
end

--- Lends the files that are open and will be opened; with `autostart`, the first one starts the server.
function M.watch()
  local soon = vim.schedule_wrap(lend) -- the buffer's filetype may be found only after this
  local group = vim.api.nvim_create_augroup("a3s", { clear = true })
  diagnostics.watch()
  vim.iter(vim.api.nvim_list_bufs()):each(soon)
  vim.api.nvim_create_autocmd({ "BufReadPost", "BufNewFile", "BufFilePost" }, {
    group = group,
    desc = "Lend the file to the coding agent",
    callback = function(event)
      soon(event.buf)
    end,
  })
  vim.api.nvim_create_autocmd("BufFilePre", {
    group = group,
    desc = "Take the file back before it gets another name",
    callback = function(event)
      withdraw(event.buf)
    end,
  })
end

--- Calls back when the server is ready, starting it if need be; never, if it cannot be started.
---@param callback fun(client: vim.lsp.Client)
local function when_ready(callback)
  local client = connected()
  if client then
    callback(client)
  elseif M.start() then
    table.insert(state.when_ready, callback)
  end
end

---@param command string
---@param argument? table
---@return lsp.ExecuteCommandParams
local function command_params(command, argument)
  return { command = command, arguments = { protocol.object(argument) } }
end

--- Sends a command of docs/protocol.md; a failure is shown to the person.
---@param command string
---@param argument? table
---@param on_answer? fun(answer: any, failed: boolean) Called with nil and true if it failed.
function M.execute(command, argument, on_answer)
  local function handler(failure, answer)
    if failure then
      log.fail(failure.message)
    end
    if on_answer then
      on_answer(protocol.plain(answer), failure ~= nil)
    end
  end
  when_ready(function(client)
    call(client, "request", "workspace/executeCommand", command_params(command, argument), handler)
  end)
end

--- Sends a command and waits for the answer; nil if there is no server, or no answer in time.
---@param command string
---@param timeout_ms integer
---@return any? answer
function M.execute_now(command, timeout_ms)
  local client = connected()
  if not client then
    return nil
  end
  local response = call(client, "request_sync", "workspace/executeCommand", command_params(command), timeout_ms)
  return response and protocol.plain(response.result) or nil
end

--- Stops the server, if it runs, and calls back when it is gone.
---@param on_stopped fun()
function M.stop(on_stopped)
  local client = state.id and vim.lsp.get_client_by_id(state.id)
  if not client then
    return on_stopped()
  end
  state.stopping = true
  table.insert(state.when_stopped, on_stopped)
  call(client, "stop", false)
  vim.defer_fn(function()
    if state.id == client.id then
      call(client, "stop", true)
    end
  end, STOP_PATIENCE_MS)
end

return M
