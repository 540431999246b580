"""The language server: the only room that knows pygls, and the one that lends the engine an editor."""
