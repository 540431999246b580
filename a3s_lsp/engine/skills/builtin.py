"""The skills that need no file. All of them read, and change nothing."""

from __future__ import annotations

from a3s_lsp.engine.skills.skill import Skill

_READING = ("grep(*)", "glob(*)", "read(*)")


def _builtin(name: str, description: str, tags: tuple[str, ...], body: str) -> Skill:
    return Skill(name, description, body, allowed=_READING, tags=tags, source="built in")


BUILTIN = (
    _builtin(
        "code-search",
        "Search codebase for patterns, functions, or types",
        ("search", "code"),
        """\
Find where something is in this code.

1. Take the question apart: which names, which words of messages or comments, which kinds of files could it be in?
2. Use glob for files by name, and grep for text. Begin with the most telling word; widen if nothing comes, narrow if \
there is too much. Think of other spellings: camelCase, snake_case, plural, the name that is imported.
3. Read around each promising place before you count it: a definition, a use, a test and a comment are not the same.
4. Answer with the places as path:line, the definition first, each with a word about what it is. Say what you searched \
for where you found nothing.""",
    ),
    _builtin(
        "code-review",
        "Review code for best practices, bugs, and improvements",
        ("review", "quality"),
        """\
Review the code that you are told, as a careful colleague would.

1. Read all of it, and enough of what it calls and what calls it to know what it promises.
2. Look, in this order, for: what is wrong; what breaks at an edge (empty, huge, concurrent, cancelled, failing); what \
is unsafe; what is hard to understand; what is not tested.
3. Check each finding against the code once more. Leave out what you cannot show.
4. Report the findings, the most serious first: path:line, what happens and when, and the smallest change that mends \
it. Matters of taste come last and are called that. If it is good, say so in a sentence.""",
    ),
    _builtin(
        "explain-code",
        "Explain how code works in clear, simple terms",
        ("explain", "documentation"),
        """\
Explain how the code that you are told works, to somebody who can program and does not know it.

1. Read it, and follow what it calls as far as it takes to be sure.
2. Begin with what it is for, in one or two sentences.
3. Then the way through it: what comes in, what happens in which order, what comes out, with path:line for each step.
4. Then what is not obvious: why it is done so, what it relies on, what would break it.
Use plain words, and the names of the code. Do not retell it line by line.""",
    ),
    _builtin(
        "find-bugs",
        "Identify potential bugs, vulnerabilities, and code smells",
        ("bugs", "security", "quality"),
        """\
Look for defects in the code that you are told.

1. Read it with these questions: Which inputs were not thought of? What happens if a call fails, is slow, or comes \
twice? What is shared, and who changes it when? Is every resource given back? Is anything from outside used as a path, \
a command, a query or markup? Are off-by-one, overflow, encoding, time zones or rounding in play?
2. For each suspicion find the callers and the tests, and construct the case that fails. Drop it if there is none.
3. Report each defect as: severity, path:line, the case that fails, why, and how to mend it. Keep what is certain \
apart from what is likely.""",
    ),
)
"""In the order in which they are listed."""
