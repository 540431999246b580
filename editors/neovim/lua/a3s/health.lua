--- `:checkhealth a3s`: what is needed, whether it is there, and what to do if not.
local client = require("a3s.client")
local config = require("a3s.config")
local hunks = require("a3s.hunks")
local status = require("a3s.status")

local M = {}

local health = vim.health
local PATIENCE_MS = 5000

local function check_neovim()
  if vim.fn.has("nvim-0.10") == 1 then
    health.ok("Neovim " .. tostring(vim.version()))
  else
    health.error("Neovim is too old", "Install Neovim 0.10 or later.")
  end
end

--- Undo is what makes the agent's edits safe to take.
local function check_undo()
  if vim.o.undolevels < 0 then
    health.warn("'undolevels' is negative: `u` cannot take back what the agent changes", "Set it to 1000.")
  end
  if vim.o.undoreload == 0 then
    health.warn("'undoreload' is 0: a file that is read again cannot be undone", "Set it to 10000.")
  end
end

---@return boolean found
local function check_server()
  local cmd = config.get().cmd
  if vim.fn.executable(cmd[1]) == 0 then
    health.error(
      ("The server `%s` was not found"):format(cmd[1]),
      "Install it with `pipx install a3s-lsp`, or set `cmd` in `require('a3s').setup{}`."
    )
    return false
  end
  local asked = vim
    .system({ cmd[1], "--version" }, { env = config.get().env, text = true, timeout = PATIENCE_MS })
    :wait()
  if asked.code == 0 then
    health.ok(("%s (%s)"):format(vim.fn.exepath(cmd[1]), vim.trim(asked.stdout)))
  else
    health.error(
      ("`%s --version` failed: %s"):format(cmd[1], vim.trim(asked.stderr or "")),
      "Install it anew with `pipx reinstall a3s-lsp`."
    )
  end
  return asked.code == 0
end

---@return boolean running
local function check_connection()
  if status.text() == "off" then
    health.warn("The server is not running", "Open a file of a project, or use `:A3S restart`.")
    return false
  end
  if status.text() == "starting" then
    health.warn("The server has not answered yet", "If that lasts, see `:A3S log` and use `:A3S restart`.")
    return false
  end
  health.ok(("The server runs in %s and is %s"):format(client.root(), status.text()))
  health.info(("%d changes of the agent are under review"):format(hunks.total()))
  return true
end

local function check_model()
  local answer = client.execute_now("a3s.model", PATIENCE_MS)
  if answer then
    health.info(answer.text)
  else
    health.warn("The server did not say which model it uses", "See `:A3S log`; set `settings.model` to choose one.")
  end
end

--- Runs the checks.
function M.check()
  health.start("a3s")
  check_neovim()
  check_undo()
  if check_server() and check_connection() then
    check_model()
  end
end

return M
