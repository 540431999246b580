"""A model checker for "never lose a keystroke": the real server, models of editors, and one clock for all of them.

A `Schedule` is what a person, an agent and other programs do; `world.play` does it without real time, and says which
invariants were broken. Failures are shrunk to a few steps and kept as tests in `test_truth.py`.
"""
