--- The demo in a real Neovim: `nvim --headless --clean -l demo.lua ROOT`, as scripts/demo --editor nvim runs it.
--- On a copy of the project's source: a question with citations, a rename over an unsaved buffer and closed files, undo.

local OLD, NEW = "unanswered", "calls_without_result"
local PATIENCE_MS = 30000

local root = assert(arg[1], "usage: demo.lua ROOT")
local python = assert(vim.env.A3S_DEMO_PYTHON, "A3S_DEMO_PYTHON names the Python that has a3s_lsp")
local began = vim.uv.now()
local folder = vim.fn.tempname()
local project = folder .. "/project"

local function say(text)
  io.stdout:write(text, "\n")
end

local function fail(text)
  say("The demo failed: " .. text)
  os.exit(1)
end

local function check(holds, otherwise)
  if not holds then
    fail(otherwise)
  end
end

local function wait_for(what, holds)
  if not vim.wait(PATIENCE_MS, holds, 20) then
    fail("nothing happened: " .. what)
  end
end

local function read(path)
  return table.concat(vim.fn.readfile(path, "b"), "\n")
end

local function files()
  local texts = {}
  for _, path in ipairs(vim.fn.globpath(project, "**/*.py", false, true)) do
    texts[path] = read(path)
  end
  return texts
end

local function indented(text)
  return (("    " .. text):gsub("\n", "\n    "))
end

local function transcript()
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_get_name(buffer):find("a3s://transcript", 1, true) then
      return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")
    end
  end
  return ""
end

--- The start of the diff that the plugin shows beside the question.
local function shown_diff()
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.bo[buffer].filetype == "diff" then
      return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, 20, false), "\n") .. "\n…"
    end
  end
  fail("the question came without its diff")
end

local function prompt(text)
  local a3s = require("a3s")
  say("> " .. text)
  local before = #transcript()
  a3s.prompt(text)
  wait_for("the run begins", function()
    return a3s.status() ~= "idle"
  end)
  wait_for("the run ends", function()
    return a3s.status() == "idle"
  end)
  return transcript():sub(before + 1)
end

vim.fn.mkdir(project, "p")
vim.fn.system({ "cp", "-R", root .. "/a3s_lsp", project })
vim.fn.delete(project .. "/a3s_lsp/demo.py")
vim.fn.mkdir(project .. "/.a3s")
vim.opt.runtimepath:prepend(root .. "/editors/neovim")
vim.cmd.runtime("plugin/a3s.lua")
vim.cmd.cd(project)
vim.ui.select = function(items, options, choose)
  say(indented("? " .. (options.prompt or ""):gsub("%s+$", "")))
  say(indented(shown_diff()))
  say("    → " .. tostring((options.format_item or tostring)(items[1])) .. "\n")
  choose(items[1], 1)
end
require("a3s").setup({
  cmd = { python, "-m", "a3s_lsp", "--stdio" },
  env = { A3S_STATE_DIR = folder .. "/state" },
  settings = { model = "offline/assistant", posture = "ask" },
})

local opened = project .. "/a3s_lsp/engine/messages.py"
vim.cmd.edit(opened)
vim.api.nvim_buf_set_lines(0, 0, 0, false, { "# Not saved yet: " .. OLD .. " is going to get a better name." })
local buffer = vim.api.nvim_get_current_buf()
local function screen()
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")
end
local unsaved, before = screen(), files()
local version = vim.version()
say(("Neovim %d.%d.%d; %s is open, with a line that is not saved.\n"):format(
  version.major, version.minor, version.patch, "messages.py"
))
wait_for("the server is ready", function()
  return require("a3s").status() == "idle"
end)

local answer = prompt("where is " .. OLD .. "?")
say(indented(answer))
local cited = 0
for name, number in answer:gmatch("([%w_/]+%.py):(%d+)") do
  local path = project .. "/" .. name
  local lines = vim.split(path == opened and unsaved or read(path), "\n")
  check((lines[tonumber(number)] or ""):find(OLD, 1, true), name .. ":" .. number .. " does not have " .. OLD)
  cited = cited + 1
end
check(cited > 0, "the answer cites nothing")
say(("    ✓ %d citations looked up, all true\n"):format(cited))

say(indented(prompt("rename " .. OLD .. " to " .. NEW)))
local word = "%f[%w_]" .. OLD .. "%f[^%w_]"
check(screen():find(NEW, 1, true) and not screen():find(word), "the buffer was not changed")
local changed = 0
for path, text in pairs(files()) do
  if text ~= before[path] then
    changed = changed + 1
    check(path ~= opened, "the open file was written to the disk")
    check(not text:find(word), path .. " still has " .. OLD)
  end
end
check(changed > 0, "no closed file was changed")
say(("    ✓ the open buffer is changed and not saved, and %d closed files are changed on the disk\n"):format(changed))

say("> u   (Neovim's own undo, in the open buffer)")
vim.api.nvim_buf_call(buffer, function()
  vim.cmd("silent undo")
end)
check(screen() == unsaved, "one undo did not take the agent's edit back")
say("    ✓ one undo took the agent's edit back, the unsaved line is there")
vim.api.nvim_buf_call(buffer, function()
  vim.cmd("silent redo")
end)
say("> :A3S command undo")
require("a3s").command("undo")
wait_for("the change is taken back", function()
  return vim.deep_equal(files(), before) and screen() == unsaved
end)
say("    ✓ buffer and files are as they were, byte for byte")

vim.fn.delete(folder, "rf")
say(("\nDone in %.1f s."):format((vim.uv.now() - began) / 1000))
os.exit(0)
