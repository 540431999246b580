--- `:A3S {subcommand} …`: what is typed, taken apart and handed to the public functions.
local a3s = require("a3s")
local client = require("a3s.client")

local M = {}

---@param text string
---@return string? text Nil if there is none.
local function given(text)
  return text ~= "" and text or nil
end

--- The lines of the command's range, as context of a prompt.
---@param call vim.api.keyset.create_user_command.command_args
local function selected(call)
  if call.range == 0 then
    return nil
  end
  local range = {
    start = { line = call.line1 - 1, character = 0 },
    ["end"] = { line = call.line2, character = 0 },
  }
  return { { uri = vim.uri_from_bufnr(0), range = range } }
end

local HUNK_ACTIONS = { "keep", "undo", "ask", "show", "next", "prev" }

---@param rest string
---@param call vim.api.keyset.create_user_command.command_args
---@return a3s.HunkTarget
local function hunk_target(rest, call)
  return {
    all = rest == "all",
    text = given(rest),
    lines = call.range > 0 and { first = call.line1, last = call.line2 } or nil,
  }
end

---@param rest string
---@param call vim.api.keyset.create_user_command.command_args
local function hunk(rest, call)
  local action, what = rest:match("^(%S*)%s*(.*)$")
  if not vim.list_contains(HUNK_ACTIONS, action) then
    local actions = table.concat(HUNK_ACTIONS, ", ")
    return require("a3s.log").notify(("say what to do: `:A3S hunk` and one of %s."):format(actions))
  end
  a3s.hunk(action, hunk_target(what, call))
end

---@type table<string, fun(rest: string, call: vim.api.keyset.create_user_command.command_args)>
local subcommands = {
  prompt = function(rest, call)
    a3s.prompt(given(rest), selected(call))
  end,
  steer = function(rest)
    a3s.steer(rest)
  end,
  resume = function(rest)
    a3s.resume(given(rest))
  end,
  deny = function(rest)
    a3s.deny(given(rest))
  end,
  command = function(rest)
    local name, args = rest:match("^/?(%S+)%s*(.*)$")
    if not name then
      return require("a3s.log").notify("say which: `:A3S command help`.")
    end
    a3s.command(name, args)
  end,
  hunk = hunk,
  rewind = function(rest)
    if rest == "redo" then
      return a3s.redo()
    end
    a3s.rewind()
  end,
  cancel = a3s.cancel,
  sessions = a3s.sessions,
  new = a3s.new,
  approve = a3s.approve,
  open = a3s.open,
  log = a3s.log,
  restart = a3s.restart,
}

--- Runs `:A3S`; without a subcommand, shows the transcript.
---@param call vim.api.keyset.create_user_command.command_args
function M.run(call)
  local name, rest = call.args:match("^%s*(%S*)%s*(.-)%s*$")
  local subcommand = subcommands[name == "" and "open" or name]
  if not subcommand then
    return require("a3s.log").notify(("there is no `:A3S %s`; see `:help a3s`."):format(name), vim.log.levels.ERROR)
  end
  subcommand(rest, call)
end

local function slash_names()
  return vim.tbl_map(function(command)
    return command.name
  end, client.slash_commands())
end

--- A prompt may begin with a slash command.
local function slash_prompts()
  return vim.tbl_map(function(name)
    return "/" .. name
  end, slash_names())
end

--- What may follow the first words.
---@type table<string, fun(): string[]>
local following = {
  command = slash_names,
  prompt = slash_prompts,
  hunk = function()
    return HUNK_ACTIONS
  end,
  ["hunk keep"] = function()
    return { "all" }
  end,
  ["hunk undo"] = function()
    return { "all" }
  end,
  rewind = function()
    return { "redo" }
  end,
}

---@param typed string[] The words before the one that is completed.
---@return string[]
local function candidates(typed)
  if #typed == 0 then
    return vim.tbl_keys(subcommands)
  end
  local offer = following[table.concat(typed, " ")]
  return offer and offer() or {}
end

--- Completes subcommands and what may follow them.
---@param lead string What the word begins with.
---@param line string The whole command line.
---@return string[]
function M.complete(lead, line)
  local before = line:sub(1, #line - #lead):gsub("^.*A3S", "")
  local matching = vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, candidates(vim.split(before, "%s+", { trimempty = true })))
  table.sort(matching)
  return matching
end

return M
