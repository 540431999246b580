--- Questions of the server, answered by the person one at a time, in the order in which they came.
---
--- Neovim runs the handler of a server's request in a coroutine of its own and sends what it returns, so a handler
--- may yield until the person has answered, while the editor goes on.
local float = require("a3s.float")
local log = require("a3s.log")
local picker = require("a3s.picker")
local protocol = require("a3s.protocol")

local M = {}

local api = vim.api

---@class (exact) a3s.PendingQuestion
---@field question a3s.Question
---@field thread thread The handler that waits for the answer.
---@field settled boolean
---@field window? integer Shows what is about to happen.
---@field announced? boolean

---@type a3s.PendingQuestion[]
local queue = {}
--- The one that is on the screen; always the first of the queue.
---@type a3s.PendingQuestion?
local shown

local present

---@param pending a3s.PendingQuestion
---@param answer? a3s.Answer
---@param failure? lsp.ResponseError
local function settle(pending, answer, failure)
  if pending.settled then
    return
  end
  pending.settled = true
  queue = vim.tbl_filter(function(other)
    return other ~= pending
  end, queue)
  float.close(pending.window)
  if shown == pending then
    shown = nil
    vim.schedule(present)
  end
  assert(coroutine.resume(pending.thread, answer, failure))
end

---@param question a3s.Question
local function one_line(question)
  local detail = vim.trim(question.detail):gsub("%s*\n.*", " …")
  local text = detail == "" and question.title or ("%s: %s"):format(question.title, detail)
  return question.child and ("%s: %s"):format(question.child, text) or text
end

--- Everything that is about to happen, for what does not fit in a line.
---@param question a3s.Question
---@return string[]
local function preview_lines(question)
  local text = vim.trim(vim.trim(question.detail) .. "\n\n" .. (question.diff or ""))
  return vim.split(text, "\n", { plain = true })
end

--- Shows the diff or the long command in a window that does not take the focus.
---@param question a3s.Question
---@return integer? window
local function open_preview(question)
  if not question.diff and not question.detail:find("\n") and #question.detail < 60 then
    return nil
  end
  return float.show(question.title, preview_lines(question), question.diff and "diff" or "")
end

---@class (exact) a3s.Choice
---@field label string
---@field choice string
---@field note? boolean
---@field some? boolean Only some of the hunks, which are still to be picked.

---@param question a3s.Question
---@return a3s.Choice[]
local function choices(question)
  local list = { { label = "Allow once", choice = "allow_once" } }
  if question.rule then
    table.insert(list, { label = "Always allow " .. question.rule, choice = "allow_always" })
  end
  if question.hunks and #question.hunks > 1 then
    table.insert(list, { label = "Allow some of it", choice = "allow_once", some = true })
  end
  table.insert(list, { label = "Deny", choice = "reject_once" })
  table.insert(list, { label = "Deny with a note", choice = "reject_once", note = true })
  return list
end

--- Lets the person untick hunks. Nothing ticked is a denial; going back asks again.
---@param pending a3s.PendingQuestion
local function pick_hunks(pending)
  float.close(pending.window)
  pending.window = picker.open(pending.question, function(accepted)
    if pending.settled then
      return
    end
    if not accepted then
      shown = nil
      return present()
    end
    settle(pending, #accepted > 0 and { choice = "allow_once", accepted = accepted } or { choice = "reject_once" })
  end)
end

---@type table<a3s.Scope, string>
local SCOPES = { session = "In this session", project = "In this project", user = "Everywhere" }

--- Lets the person say where "always" holds. Going back asks again.
---@param pending a3s.PendingQuestion
local function pick_scope(pending)
  vim.ui.select(pending.question.scopes, {
    prompt = ("a3s: always allow %s"):format(pending.question.rule),
    kind = "a3s_scope",
    format_item = function(scope)
      return SCOPES[scope] or scope
    end,
  }, function(scope)
    if pending.settled then
      return
    end
    if not scope then
      shown = nil
      return present()
    end
    settle(pending, { choice = "allow_always", rule = pending.question.rule, scope = scope })
  end)
end

---@param pending a3s.PendingQuestion
---@param picked? a3s.Choice Nil if the person dismissed the question.
local function on_choice(pending, picked)
  if pending.settled then
    return
  end
  if picked and picked.some then
    return pick_hunks(pending)
  end
  if picked and picked.choice == "allow_always" and #(pending.question.scopes or {}) > 1 then
    return pick_scope(pending)
  end
  local answer = { choice = picked and picked.choice or "reject_once" }
  if answer.choice == "allow_always" then
    answer.rule = pending.question.rule
  end
  if not (picked and picked.note) then
    return settle(pending, answer)
  end
  vim.ui.input({ prompt = "Why not? " }, function(note)
    answer.note = note ~= "" and note or nil
    settle(pending, answer)
  end)
end

--- Whether a question may take the keyboard: what is being typed elsewhere must not become its answer.
local function at_rest()
  local mode = api.nvim_get_mode().mode
  return (mode == "n" or mode == "nt") and vim.fn.getcmdwintype() == ""
end

---@param pending a3s.PendingQuestion
local function announce(pending)
  if not pending.announced then
    pending.announced = true
    log.notify(one_line(pending.question) .. " – waits until you are in normal mode", vim.log.levels.WARN)
  end
  api.nvim_create_autocmd({ "ModeChanged", "CmdwinLeave" }, {
    group = api.nvim_create_augroup("a3s.confirm", { clear = true }),
    once = true,
    callback = function()
      vim.schedule(present)
    end,
  })
end

--- Puts the next question on the screen, unless one is there.
function present()
  local pending = queue[1]
  if shown or not pending then
    return
  end
  if not at_rest() then
    return announce(pending)
  end
  shown = pending
  pending.window = open_preview(pending.question)
  vim.cmd.redraw()
  vim.ui.select(choices(pending.question), {
    prompt = "a3s: " .. one_line(pending.question),
    kind = "a3s_confirm",
    format_item = function(choice)
      return choice.label
    end,
  }, function(picked)
    on_choice(pending, picked)
  end)
end

--- Handles `a3s/confirm`: returns when the person has answered, or the question was withdrawn.
---@param question a3s.Question
---@return a3s.Answer? answer
---@return lsp.ResponseError? failure
function M.ask(question)
  table.insert(queue, { question = question, thread = coroutine.running(), settled = false })
  vim.schedule(present)
  return coroutine.yield()
end

--- Answers the oldest question without its dialog.
---@param answer a3s.Answer
---@return boolean answered False if nothing was asked.
function M.answer(answer)
  local pending = queue[1]
  if pending then
    settle(pending, answer)
  end
  return pending ~= nil
end

---@param concerns fun(question: a3s.Question): boolean
local function withdraw(concerns)
  for _, pending in ipairs(vim.list_slice(queue)) do
    if concerns(pending.question) then
      settle(pending, nil, vim.lsp.rpc.rpc_response_error(vim.lsp.protocol.ErrorCodes.RequestCancelled))
    end
  end
end

--- Handles `$/cancelRequest`. Neovim does not tell a handler the id of its request, so this is certain only while one
--- question is open; otherwise the events say which one is over.
function M.on_cancel_request()
  if #queue == 1 then
    M.withdraw_all()
  end
end

--- Withdraws every question, because nobody is left who could use the answers.
function M.withdraw_all()
  withdraw(function()
    return true
  end)
end

local ENDS_QUESTION = { confirmation_received = true, confirmation_timeout = true, tool_end = true }

---@param event a3s.Event
function M.on_event(event)
  if event.replay then
    return
  end
  withdraw(function(question)
    if question.sessionId ~= event.sessionId then
      return false
    end
    return ENDS_QUESTION[event.type] and question.toolId == event.tool_id
      or protocol.TERMINAL[event.type] and question.runId == event.runId
      or false
  end)
end

return M
