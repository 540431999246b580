--- What the agent is doing, in a few words for a status line.
local protocol = require("a3s.protocol")

local M = {}

---@class (exact) a3s.StatusState
---@field server "off"|"starting"|"on"
---@field phase "idle"|"thinking"|"failed"
---@field tools {id: string, name: string}[] Calls that have not ended, oldest first.
---@field waiting string[] Ids of the calls that wait for the person, oldest first.
local state = { server = "off", phase = "idle", tools = {}, waiting = {} }

local function without(list, id)
  return vim.tbl_filter(function(item)
    return (type(item) == "table" and item.id or item) ~= id
  end, list)
end

local function settled(event)
  state.waiting = without(state.waiting, event.tool_id)
end

local function begun()
  state.phase, state.tools, state.waiting = "thinking", {}, {}
end

---@type table<string, fun(event: a3s.Event)>
local on = {
  start = begun,
  run_resumed = begun,
  tool_start = function(event)
    table.insert(state.tools, { id = event.tool_id, name = event.tool_name })
  end,
  confirmation_required = function(event)
    table.insert(state.waiting, event.tool_id)
  end,
  confirmation_received = settled,
  confirmation_timeout = settled,
  tool_end = function(event)
    settled(event)
    state.tools = without(state.tools, event.tool_id)
  end,
}

local function finished(event)
  state.phase = event.type == "error" and "failed" or "idle"
  state.tools, state.waiting = {}, {}
end

--- off | starting | idle | thinking | running {tool} | waiting for you | failed
---@return string
function M.text()
  if state.server ~= "on" then
    return state.server
  end
  if #state.waiting > 0 then
    return "waiting for you"
  end
  local tool = state.tools[#state.tools]
  return tool and "running " .. tool.name or state.phase
end

--- The call that has waited longest for the person, if any.
---@return string?
function M.waiting_call()
  return state.waiting[1]
end

--- Does `change`, and lets status lines know if that changed the text.
local function update(change)
  local before = M.text()
  change()
  if M.text() ~= before then
    vim.api.nvim_exec_autocmds("User", { pattern = "A3SStatus", modeline = false, data = { status = M.text() } })
  end
end

---@param event a3s.Event
function M.on_event(event)
  local change = protocol.TERMINAL[event.type] and finished or on[event.type]
  if change then
    update(function()
      change(event)
    end)
  end
end

--- Forgets the run, because another session is shown or the server is new or gone.
---@param server? "off"|"starting"|"on"
function M.reset(server)
  update(function()
    state = { server = server or state.server, phase = "idle", tools = {}, waiting = {} }
  end)
end

return M
