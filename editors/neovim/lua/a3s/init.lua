--- The public face: `setup`, `status`, and a function for each subcommand of `:A3S`.
local M = {}

local function execute(command, argument, on_answer)
  require("a3s.client").execute(command, argument, on_answer)
end

local function notify(text)
  require("a3s.log").notify(text)
end

--- Sets options (see |a3s-config|); with `autostart`, the first file then starts the server.
---@param options? table A part of a3s.Config.
function M.setup(options)
  require("a3s.config").set(options)
  require("a3s.client").watch()
end

--- What the agent is doing, in a few words: for a status line. `User A3SStatus` tells when it changes.
---@return string
function M.status()
  return require("a3s.status").text()
end

--- How many changes of the agent are under review in a buffer: for a status line. `User A3SHunks` tells when it changes.
---@param buf? integer The current one if left out.
---@return integer
function M.hunks(buf)
  return require("a3s.hunks").count(buf or vim.api.nvim_get_current_buf())
end

--- Reviews changes of the agent in the current buffer.
---@param action "keep"|"undo"|"ask"|"show"|"next"|"prev"
---@param target? a3s.HunkTarget The hunk at the cursor if left out.
function M.hunk(action, target)
  require("a3s.review")[action](target or {})
end

--- Goes back to where things were before a prompt or a call that the person picks.
function M.rewind()
  require("a3s.rewind").pick()
end

--- Takes the last rewind back.
function M.redo()
  require("a3s.rewind").redo()
end

--- Shows what a slash command said, and the session that it made the current one; a run shows its own by itself.
---@param line string
---@param answer {text?: string, sessionId?: string, runId?: string}
local function said(line, answer)
  local id = answer.sessionId
  if id and not answer.runId and id ~= require("a3s.session").id() then
    M.resume(id)
  end
  if answer.text then
    require("a3s.transcript").note(line, answer.text)
  end
end

--- Asks the agent for something; without a text, asks the person for one.
---@param text? string
---@param context? {uri: string, range?: lsp.Range}[] What the text is about.
function M.prompt(text, context)
  if not text or vim.trim(text) == "" then
    return vim.ui.input({ prompt = "a3s: " }, function(typed)
      if typed and vim.trim(typed) ~= "" then
        M.prompt(typed, context)
      end
    end)
  end
  if require("a3s.config").get().transcript.open then
    M.open()
  end
  execute("a3s.prompt", { text = text, context = context }, function(answer, failed)
    if not failed then
      said(text, answer)
    end
  end)
end

--- Adds to what the agent is doing, without stopping it.
---@param text string
function M.steer(text)
  execute("a3s.steer", { text = text }, function(answer, failed)
    if not failed and not answer.queued then
      notify("nothing is running; use `:A3S prompt`.")
    end
  end)
end

--- Stops the run.
function M.cancel()
  execute("a3s.cancel", nil, function(answer, failed)
    if not failed and not answer.cancelled then
      notify("nothing is running.")
    end
  end)
end

--- Begins a session.
function M.new()
  execute("a3s.session.new", { workspace = require("a3s.client").root() }, function(answer, failed)
    if not failed then
      require("a3s.session").show(answer.sessionId)
    end
  end)
end

--- Goes on with a session; without an id, with one that the person picks.
---@param id? string
function M.resume(id)
  if not id then
    return M.sessions()
  end
  local session = require("a3s.session")
  session.expect_replay(id)
  execute("a3s.session.resume", { sessionId = id }, function(answer, failed)
    session.resumed(not failed and answer.sessionId or nil)
  end)
  M.open()
end

---@param row a3s.SessionRow
local function session_label(row)
  return ("%s (%s, %d messages)"):format(row.title, row.status, row.messages)
end

--- Lists the sessions, and goes on with the one that the person picks.
function M.sessions()
  execute("a3s.session.list", nil, function(rows, failed)
    if failed then
      return
    end
    if #rows == 0 then
      return notify("there are no sessions yet; `:A3S prompt` begins one.")
    end
    vim.ui.select(rows, { prompt = "a3s: sessions", kind = "a3s_session", format_item = session_label }, function(row)
      if row then
        M.resume(row.sessionId)
      end
    end)
  end)
end

---@param command "a3s.approve"|"a3s.deny"
---@param answer a3s.Answer
local function answer_question(command, answer)
  if require("a3s.confirm").answer(answer) then
    return
  end
  local call = require("a3s.status").waiting_call()
  if not call then
    return notify("nothing waits for you.")
  end
  execute(command, { toolId = call, note = answer.note })
end

--- Allows what the agent asks for, once.
function M.approve()
  answer_question("a3s.approve", { choice = "allow_once" })
end

--- Denies what the agent asks for.
---@param note? string Told to the model.
function M.deny(note)
  answer_question("a3s.deny", { choice = "reject_once", note = note })
end

--- Runs a slash command of the server and shows its answer in the transcript.
---@param name string Without the slash.
---@param args? string
function M.command(name, args)
  execute("a3s." .. name, { args = args or "" }, function(answer, failed)
    if not failed then
      said("/" .. name, answer)
      M.open()
    end
  end)
end

--- Shows the transcript, without moving the cursor there.
function M.open()
  require("a3s.transcript").open()
end

--- Shows the log file.
function M.log()
  require("a3s.log").open()
end

--- Starts the server anew, for the workspace of the current buffer, and goes on with the session.
function M.restart()
  local client, session = require("a3s.client"), require("a3s.session")
  client.stop(function()
    if client.start() and session.id() then
      M.resume(session.id())
    end
  end)
end

return M
