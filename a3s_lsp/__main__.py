"""The command `a3s-lsp`, also as `python -m a3s_lsp`."""

from __future__ import annotations

import sys


def main() -> None:
    """Serve at once if that is all that is asked for: an editor waits, and the rest of the command line can too."""
    if sys.argv[1:] in ([], ["--stdio"]):
        from a3s_lsp.serving import serve

        serve()
    from a3s_lsp.cli import cli

    cli(prog_name="a3s-lsp")


if __name__ == "__main__":
    main()
