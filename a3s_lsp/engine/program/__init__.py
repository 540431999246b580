"""Programmatic tool calling: scripts that use the tools of a session, in a process of their own."""
