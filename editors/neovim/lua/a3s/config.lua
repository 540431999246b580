--- What the user may set, and what holds if they set nothing.
local M = {}

---@class (exact) a3s.Settings What the server reads as its section `a3s`.
---@field config? string Path of an agent.acl.
---@field model? string `provider/name`.
---@field posture? "plan"|"ask"|"accept-edits"|"auto"
---@field review? "before"|"after" Show each change before it is made, or afterwards.
---@field remember? a3s.Scope Where "always" holds if it is not said.
---@field unsaved? "overlay"|"save"|"ask" What happens to unsaved text before a command reads the disk.
---@field planning? "auto"|"enabled"|"disabled" Whether prompts get a plan that is carried out step by step.

---@class (exact) a3s.TranscriptConfig
---@field open boolean Show the transcript when something is prompted.
---@field width integer Columns of its window; at most half of the editor.

---@class (exact) a3s.HunksConfig How changes that are under review are shown.
---@field signs boolean
---@field virtual_text boolean

---@class (exact) a3s.Config
---@field cmd string[] How the server is started.
---@field env table<string, string> Environment of the server, besides Neovim's own.
---@field autostart boolean Start the server with the first file of a workspace, else with the first command.
---@field root_markers string[] The nearest folder above a file that has one of these is the workspace.
---@field settings a3s.Settings
---@field transcript a3s.TranscriptConfig
---@field hunks a3s.HunksConfig

---@type a3s.Config
local defaults = {
  cmd = { "a3s-lsp" },
  env = {},
  autostart = true,
  root_markers = { ".a3s", ".git", "pyproject.toml", "package.json", "Cargo.toml", "go.mod" },
  settings = {},
  transcript = { open = true, width = 72 },
  hunks = { signs = true, virtual_text = true },
}

local current = defaults

local function expect(name, value, kind)
  if type(value) ~= kind then
    error(("a3s: the option %s must be a %s, not %s"):format(name, kind, vim.inspect(value)), 0)
  end
end

--- The configuration that holds now.
---@return a3s.Config
function M.get()
  return current
end

--- Puts `options` over the defaults; raises if one has the wrong type.
---@param options? table A part of a3s.Config.
function M.set(options)
  local merged = vim.tbl_deep_extend("force", defaults, options or {})
  expect("cmd", merged.cmd, "table")
  expect("env", merged.env, "table")
  expect("autostart", merged.autostart, "boolean")
  expect("root_markers", merged.root_markers, "table")
  expect("settings", merged.settings, "table")
  expect("transcript.open", vim.tbl_get(merged, "transcript", "open"), "boolean")
  expect("transcript.width", vim.tbl_get(merged, "transcript", "width"), "number")
  expect("hunks.signs", vim.tbl_get(merged, "hunks", "signs"), "boolean")
  expect("hunks.virtual_text", vim.tbl_get(merged, "hunks", "virtual_text"), "boolean")
  current = merged
end

return M
