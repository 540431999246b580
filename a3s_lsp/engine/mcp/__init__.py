"""Servers of the Model Context Protocol: their tools join those of a session."""
