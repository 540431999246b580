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
