"""Measurements. Run them with scripts/bench; nothing here is a test."""
