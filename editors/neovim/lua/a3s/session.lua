--- Which session is on the screen. The server decides which one is current; this follows it.
local status = require("a3s.status")
local transcript = require("a3s.transcript")

local M = {}

---@type string?
local shown
---@type string?
local resuming

--- The session on the screen, if any.
---@return string?
function M.id()
  return shown
end

--- Puts a session on the screen, empty.
---@param id string
function M.show(id)
  shown, resuming = id, nil
  status.reset()
  transcript.clear()
end

--- Says that the events of a session are about to come again; the screen is kept until they do.
---@param id string
function M.expect_replay(id)
  resuming = id
end

--- The answer to a resume: nil means that it failed and the screen stays as it is.
---@param id? string
function M.resumed(id)
  if id and resuming == id then
    M.show(id)
  end
  resuming = nil
end

--- Whether the event belongs on the screen. A new run puts its session there.
---@param event a3s.Event
---@return boolean
function M.accepts(event)
  local replayed = event.replay and event.sessionId == resuming
  local begun = not event.replay and event.sessionId ~= shown and (event.type == "start" or not shown)
  if replayed or begun then
    M.show(event.sessionId)
  end
  return event.sessionId == shown
end

return M
