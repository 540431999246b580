--- The names and shapes of docs/protocol.md that this plugin uses.
local M = {
  EVENT = "a3s/event",
  CONFIRM = "a3s/confirm",
  HUNKS = "a3s/hunks",
  SAVE = "a3s/save",
  RELOAD = "a3s/reload",
  DIAGNOSTICS = "a3s/diagnostics",
  COMMANDS = "a3s/commands",
}

---@class (exact) a3s.Event One event; the other fields depend on `type`.
---@field sessionId string
---@field runId string
---@field type string
---@field replay? boolean
---@field [string] any

---@class (exact) a3s.Question
---@field sessionId string
---@field runId string
---@field toolId string
---@field toolName string
---@field title string One line, for instance "Run a command".
---@field detail string What is about to happen.
---@field args table
---@field diff? string
---@field rule? string What "always" stores.
---@field scopes? a3s.Scope[] Where "always" can hold.
---@field child? string The child agent that asks.
---@field hunks? a3s.QuestionHunk[] The parts of the diff, if one may accept some of them.

---@class (exact) a3s.QuestionHunk
---@field index integer
---@field path string
---@field header string

---@class (exact) a3s.Answer
---@field choice "allow_once"|"allow_always"|"reject_once"|"reject_always"
---@field rule? string
---@field note? string
---@field accepted? integer[] The hunks that may be applied; all of them if left out.
---@field scope? a3s.Scope Where "always" holds; as the settings say if left out.

---@alias a3s.Scope "session"|"project"|"user"

---@class (exact) a3s.Hunk A change of the agent that is under review.
---@field sessionId string
---@field hunkId string
---@field runId string
---@field toolId string
---@field uri string
---@field range lsp.Range The lines that it has now; empty where it only deleted.
---@field status "applied"|"tweaked"
---@field label string
---@field before string
---@field after string

---@class (exact) a3s.Point Where one can rewind to.
---@field id string
---@field kind "run"|"tool"|"rewind"
---@field label string
---@field time integer Milliseconds since the epoch.

---@class (exact) a3s.SlashCommand
---@field name string
---@field description string
---@field usage string

---@class (exact) a3s.SessionRow
---@field sessionId string
---@field title string
---@field status string
---@field messages integer

--- These end a run.
M.TERMINAL = { ["end"] = true, error = true, cancelled = true }

--- The message without its JSON nulls, which newer versions of Neovim keep as `vim.NIL`.
---@generic T
---@param value T
---@return T
function M.plain(value)
  if value == vim.NIL then
    return nil
  end
  if type(value) ~= "table" then
    return value
  end
  return vim.tbl_map(M.plain, value)
end

--- A table that is a JSON object even when it is empty.
---@param fields? table
---@return table
function M.object(fields)
  return vim.tbl_extend("force", vim.empty_dict(), fields or {})
end

return M
