"""Faces for Python programs: asynchronous, and the blocking twin with the names of the reference SDK."""
