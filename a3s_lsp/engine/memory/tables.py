"""Memory items in one SQLite file that any number of processes share, found by their words in its full-text index."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from a3s_lsp.engine.config.settings import Prune, Relevance
from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.memory import ranking
from a3s_lsp.engine.memory.items import MEMORY_TYPES, MemoryItem, storable
from a3s_lsp.engine.memory.words import asked_words, words_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest BLOB NOT NULL UNIQUE, content TEXT NOT NULL,
    time_ns INTEGER NOT NULL, importance REAL NOT NULL, memory_type TEXT NOT NULL, tags TEXT NOT NULL,
    metadata TEXT NOT NULL, access_count INTEGER NOT NULL, accessed_ns INTEGER
);
CREATE INDEX IF NOT EXISTS items_by_time ON items (time_ns);
CREATE TABLE IF NOT EXISTS tags (tag TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (tag, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS terms USING fts5 (words, tokenize = 'ascii', prefix = '3');
CREATE VIRTUAL TABLE IF NOT EXISTS vocabulary USING fts5vocab (terms, row);
"""
_SCHEMA_VERSION = 1
_BUSY_SECONDS = 5.0
_COLUMNS = "content, importance, tags, memory_type, metadata, id, time_ns, access_count, accessed_ns"
_COLUMN_COUNT = len(_COLUMNS.split(","))
_BEST_FIRST = "ORDER BY score(importance, time_ns, ?, ?, ?, ?) DESC, time_ns DESC, number DESC LIMIT ?"
_CANDIDATES = 200
"""How many of the items that share a word are looked at closely."""
_ASKED_WORDS = 64
_SOUGHT_WORDS = 24
"""How many words of a long question are sought: those that the fewest items have."""
Mark = Literal["imported", "pruned"]


@dataclass(frozen=True, slots=True)
class Found:
    """An item that answers a question. `about`: it shares enough words with it to be told unasked."""

    item: MemoryItem
    relevance: float
    about: bool


class ItemTables:
    """Items in the file `path`, or in memory if that is None. Methods block; one thread at a time may call them."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None

    def add(self, item: MemoryItem) -> MemoryItem:
        """Keep the item, or join it to one that says the same; returns what is kept now."""
        with self._writing(sync=True) as db:
            return _put(db, item)

    def add_all(self, items: Iterable[MemoryItem], now_ns: int) -> int:
        """Keep those of the imported items that are not there yet; returns how many were new."""
        with self._writing(sync=True) as db:
            new = _put_new(db, items)
            _mark(db, "imported", now_ns)
            return new

    def search(self, query: str, limit: int, weights: Relevance, now_ns: int) -> list[Found]:
        """The items that answer the query, the most relevant first."""
        query = storable(query)
        words = asked_words(query, _ASKED_WORDS)
        with self._reading() as db:
            count = int(db.execute("SELECT count(*) FROM items").fetchone()[0])
            holders = {word: _holders(db, word) for word in words}
            found = self._by_words(db, holders, count, max(limit, _CANDIDATES), weights, now_ns)
            if not found:
                found = _by_text(db, query, max(limit, 0), weights, now_ns)
        best = sorted(found, key=lambda one: (one.relevance, one.item.time_ns), reverse=True)
        return best[:limit]

    def _by_words(
        self, db: sqlite3.Connection, holders: dict[str, int], count: int, most: int, weights: Relevance, now_ns: int
    ) -> list[Found]:
        rarest = sorted((word for word in holders if holders[word]), key=lambda word: holders[word])[:_SOUGHT_WORDS]
        if not rarest:
            return []
        asked = " OR ".join(f'"{word}"{"*" if ranking.is_beginning(word) else ""}' for word in rarest)
        rows = db.execute(
            f"SELECT {_COLUMNS}, terms.words FROM terms JOIN items ON items.number = terms.rowid "
            "WHERE terms MATCH ? ORDER BY terms.rank LIMIT ?",
            (asked, most),
        )
        weighed = ranking.weigh(holders, count)
        found = []
        for row in rows:
            item = _item(row)
            shared = ranking.matched(holders, row[_COLUMN_COUNT].split())
            own = ranking.score(item.importance, item.time_ns, now_ns, weights)
            about = ranking.is_about(shared, holders, count)
            found.append(Found(item, ranking.relevance(shared, weighed, own), about))
        return found

    def by_tags(self, tags: Sequence[str], limit: int, weights: Relevance, now_ns: int) -> list[MemoryItem]:
        """The items with any of these tags, the best first."""
        where = "number IN (SELECT number FROM tags WHERE tag IN (SELECT value FROM json_each(?)))"
        named = json.dumps([storable(tag) for tag in tags])
        with self._reading() as db:
            return _select(db, f"WHERE {where} {_BEST_FIRST}", (named, *_scoring(weights, now_ns), limit))

    def recent(self, limit: int) -> list[MemoryItem]:
        """The newest items, newest first."""
        with self._reading() as db:
            return _select(db, "ORDER BY time_ns DESC, number DESC LIMIT ?", (limit,))

    def these(self, ids: Sequence[str]) -> list[MemoryItem]:
        """The items with these ids, in that order; those that are gone are left out."""
        with self._reading() as db:
            found = (_select(db, "WHERE id = ?", (one,)) for one in ids)
            return [item for items in found for item in items]

    def count(self) -> int:
        """How many items there are."""
        with self._reading() as db:
            return int(db.execute("SELECT count(*) FROM items").fetchone()[0])

    def touch(self, ids: Sequence[str], now_ns: int) -> None:
        """Note that these items were recalled."""
        with self._writing(sync=False) as db:
            db.executemany(
                "UPDATE items SET access_count = access_count + 1, accessed_ns = ? WHERE id = ?",
                [(now_ns, one) for one in ids],
            )

    def forget(self, item_id: str) -> bool:
        """Drop one item. False if there is none with this id."""
        with self._writing(sync=True) as db:
            return _drop(db, "id = ?", (item_id,)) > 0

    def forget_all(self) -> int:
        """Drop everything; returns how many items that were."""
        with self._writing(sync=True) as db:
            return _drop(db, "1", ())

    def prune(self, rules: Prune, weights: Relevance, now_ns: int) -> int:
        """Drop what is old and unimportant, then the worst of what is too many; returns how many items that were."""
        oldest = now_ns - rules.max_age_days * 86_400 * 1_000_000_000
        with self._writing(sync=False) as db:
            _mark(db, "pruned", now_ns)
            dropped = _drop(db, "time_ns < ? AND importance < ?", (oldest, rules.min_importance_to_keep))
            if rules.max_items > 0:
                kept = f"SELECT number FROM items {_BEST_FIRST}"
                dropped += _drop(db, f"number NOT IN ({kept})", (*_scoring(weights, now_ns), rules.max_items))
            return dropped

    def marked(self, mark: Mark) -> int | None:
        """When this was done last, in seconds since the epoch; None if never."""
        with self._reading() as db:
            row = db.execute("SELECT value FROM marks WHERE name = ?", (mark,)).fetchone()
            return None if row is None else int(row[0])

    def _reading(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return self._transaction("BEGIN", "NORMAL")

    def _writing(self, *, sync: bool) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return self._transaction("BEGIN IMMEDIATE", "FULL" if sync else "NORMAL")

    @contextlib.contextmanager
    def _transaction(self, begin: str, synchronous: str) -> Iterator[sqlite3.Connection]:
        """All or nothing. Raises StoreError."""
        try:
            db = self._connected()
            db.execute(f"PRAGMA synchronous = {synchronous}")
            db.execute(begin)
            with db:
                yield db
        except (sqlite3.Error, OSError) as error:
            raise StoreError(self._sentence(error)) from error

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self.path.touch(mode=0o600)  # memories are nobody else's business
            db = sqlite3.connect(
                self.path or ":memory:", timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
            )
            try:
                self._prepare(db)
            except BaseException:
                db.close()
                raise
            weakref.finalize(self, db.close)
            self._connection = db
        return self._connection

    def _prepare(self, db: sqlite3.Connection) -> None:
        db.execute("PRAGMA trusted_schema = OFF")  # the file may have come with a project
        db.create_function("score", 6, _score, deterministic=True)
        db.create_function("folded", 1, str.casefold, deterministic=True)
        db.execute("PRAGMA journal_mode = WAL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            raise StoreError(f"The memories in {self.path} were written by a newer a3s-lsp; update this one.")
        if version < _SCHEMA_VERSION:
            db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;")

    def _sentence(self, error: Exception) -> str:
        text = str(error)
        where = f"The memories in {self.path}"
        if "no such module" in text:
            return (
                "Memories need an SQLite with full-text search (FTS5), which this Python's has not: use another Python."
            )
        if "locked" in text:
            return f"{where} are locked by another process: try again."
        if "full" in text or "I/O" in text or "No space" in text:
            return f"{where} could not be written, the disk may be full: free some space."
        if "readonly" in text or "unable to open" in text or isinstance(error, OSError):
            return f"{where} cannot be used ({text}): give another folder, or make this one writable."
        return f"{where} cannot be read ({text}): move the file away, and a new one will be made."


def _score(importance: float, time_ns: int, now_ns: int, weight: float, recency: float, decay_days: float) -> float:
    weights = Relevance(decay_days=decay_days, importance_weight=weight, recency_weight=recency)
    return ranking.score(importance, time_ns, now_ns, weights)


def _scoring(weights: Relevance, now_ns: int) -> tuple[float, ...]:
    return now_ns, weights.importance_weight, weights.recency_weight, weights.decay_days


def _holders(db: sqlite3.Connection, word: str) -> int:
    """How many items have the word, or about how many have one that begins with it."""
    if not ranking.is_beginning(word):
        row = db.execute("SELECT doc FROM vocabulary WHERE term = ?", (word,)).fetchone()
    else:
        last = word + "\U0010ffff"
        row = db.execute("SELECT sum(doc) FROM vocabulary WHERE term >= ? AND term < ?", (word, last)).fetchone()
    return 0 if row is None or row[0] is None else int(row[0])


def _by_text(db: sqlite3.Connection, query: str, limit: int, weights: Relevance, now_ns: int) -> list[Found]:
    """The items that have the query in them as it stands; all of them if it is empty."""
    where = "WHERE instr(folded(content), ?) > 0" if query else "WHERE ? = ''"
    items = _select(db, f"{where} {_BEST_FIRST}", (query.casefold(), *_scoring(weights, now_ns), limit))
    return [Found(item, ranking.score(item.importance, item.time_ns, now_ns, weights), False) for item in items]


def _select(db: sqlite3.Connection, clauses: str, values: Sequence[object]) -> list[MemoryItem]:
    return [_item(row) for row in db.execute(f"SELECT {_COLUMNS} FROM items {clauses}", values)]


def _item(row: Sequence[object]) -> MemoryItem:
    content, importance, tags, memory_type, metadata, item_id, time_ns, accesses, accessed_ns = row[:_COLUMN_COUNT]
    return MemoryItem(
        str(content),
        float(str(importance)),
        tuple(json.loads(str(tags))),
        next((known for known in MEMORY_TYPES if known == memory_type), "episodic"),
        json.loads(str(metadata)),
        str(item_id),
        int(str(time_ns)),
        int(str(accesses)),
        None if accessed_ns is None else int(str(accessed_ns)),
    )


def _mark(db: sqlite3.Connection, mark: Mark, now_ns: int) -> None:
    db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (mark, now_ns // 1_000_000_000))


def _digest(item: MemoryItem) -> bytes:
    """The same for items that say the same."""
    said = " ".join(item.content.casefold().split())
    return hashlib.sha256(f"{item.memory_type}\0{said}".encode()).digest()


def _put(db: sqlite3.Connection, item: MemoryItem) -> MemoryItem:
    said = _select(db, "WHERE digest = ?", (_digest(item),))
    if said:
        item = _joined(said[0], item)
        _drop(db, "id = ?", (said[0].id,))
    _insert(db, item)
    return item


def _put_new(db: sqlite3.Connection, items: Iterable[MemoryItem]) -> int:
    new = 0
    for item in items:
        if not db.execute("SELECT 1 FROM items WHERE id = ? OR digest = ?", (item.id, _digest(item))).fetchone():
            _insert(db, item)
            new += 1
    return new


def _joined(old: MemoryItem, new: MemoryItem) -> MemoryItem:
    return MemoryItem(
        new.content,
        max(old.importance, new.importance),
        tuple(dict.fromkeys((*old.tags, *new.tags))),
        old.memory_type,
        {**old.metadata, **new.metadata},
        old.id,
        max(old.time_ns, new.time_ns),
        old.access_count,
        old.accessed_ns,
    )


def _insert(db: sqlite3.Connection, item: MemoryItem) -> None:
    number = db.execute(
        "INSERT INTO items (digest, content, importance, tags, memory_type, metadata, id, time_ns, access_count, "
        "accessed_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            _digest(item),
            item.content,
            item.importance,
            json.dumps(item.tags),
            item.memory_type,
            json.dumps(dict(item.metadata)),
            item.id,
            item.time_ns,
            item.access_count,
            item.accessed_ns,
        ),
    ).lastrowid
    db.executemany("INSERT INTO tags VALUES (?, ?)", [(tag, number) for tag in set(item.tags)])
    words = " ".join(words_of(f"{item.content}\n{' '.join(item.tags)}"))
    db.execute("INSERT INTO terms (rowid, words) VALUES (?, ?)", (number, words))


def _drop(db: sqlite3.Connection, where: str, values: Sequence[object]) -> int:
    numbers = [(number,) for (number,) in db.execute(f"SELECT number FROM items WHERE {where}", values)]
    for statement in (
        "DELETE FROM terms WHERE rowid = ?",
        "DELETE FROM tags WHERE number = ?",
        "DELETE FROM items WHERE number = ?",
    ):
        db.executemany(statement, numbers)
    return len(numbers)
