"""Lanes: how many calls of a kind go on at once, who executes them, and what becomes of those that fail."""
