"""Slash commands: what a person or a program does to a session without asking the model. One file per subject."""
