"""The same schedules against agents' plain file tools, which know the disk and nothing of the editor.

`python -m tests.properties.truth.rivals [schedules]` installs them into the cache, and prints the table of
docs/comparison.md.
"""
