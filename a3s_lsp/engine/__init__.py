"""What a coding session is. Nothing in here knows of an editor, of LSP or of blocking callers."""
