"""The names that this server adds to LSP: messages, commands, and the section of the settings."""

from __future__ import annotations

SECTION = "a3s"
PROTOCOL = 1

EVENT = "a3s/event"
CONFIRM = "a3s/confirm"
HUNKS = "a3s/hunks"
SAVE = "a3s/save"
RELOAD = "a3s/reload"
DIAGNOSTICS = "a3s/diagnostics"
COMMANDS = "a3s/commands"

PROMPT = "a3s.prompt"
CANCEL = "a3s.cancel"
STEER = "a3s.steer"
APPROVE = "a3s.approve"
DENY = "a3s.deny"
HUNK_LIST = "a3s.hunk.list"
HUNK_KEEP = "a3s.hunk.keep"
HUNK_UNDO = "a3s.hunk.undo"
HUNK_ASK = "a3s.hunk.ask"
REWIND = "a3s.rewind"
SESSION_NEW = "a3s.session.new"
SESSION_LIST = "a3s.session.list"
SESSION_RESUME = "a3s.session.resume"
SESSION_DELETE = "a3s.session.delete"
SLASH_PREFIX = "a3s."
REVIEW_ACTION = "a3s.review"
