vim.api.nvim_create_user_command("A3S", function(call)
  require("a3s.commands").run(call)
end, {
  nargs = "*",
  range = true,
  desc = "Coding agent (see :help a3s)",
  complete = function(lead, line)
    return require("a3s.commands").complete(lead, line)
  end,
})

for _, action in ipairs({ "keep", "undo", "ask", "show", "next", "prev" }) do
  vim.keymap.set("n", ("<Plug>(a3s-hunk-%s)"):format(action), ("<Cmd>A3S hunk %s<CR>"):format(action))
end
for _, action in ipairs({ "keep", "undo" }) do
  vim.keymap.set("x", ("<Plug>(a3s-hunk-%s)"):format(action), (":A3S hunk %s<CR>"):format(action))
end
