"""`python -m a3s_lsp` is the command `a3s-lsp`."""

from a3s_lsp.cli import main

if __name__ == "__main__":
    main()
