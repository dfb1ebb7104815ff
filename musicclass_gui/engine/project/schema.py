"""The tables of a project, and how older files become newer ones.

`SCHEMA` is what a new project has; `MIGRATIONS` lead there from older versions, one step each. Classes and examples are never
deleted while a lesson names them: one that is not active, or of no class, is out of use, which is what undoing needs.
"""

from __future__ import annotations

VERSION = 2
READABLE = 1
"""The oldest version whose rows can be read as they are."""

SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE recordings (
    hash TEXT PRIMARY KEY,                  -- sha256 of the file's bytes
    path BLOB NOT NULL,                     -- os.fsencode of the absolute path where it was seen last
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    duration_s REAL NOT NULL,
    title TEXT NOT NULL DEFAULT '', artist TEXT NOT NULL DEFAULT '', album TEXT NOT NULL DEFAULT '',
    notices TEXT NOT NULL DEFAULT '[]',     -- JSON list of sentences about damage
    picture BLOB                            -- mini-mel for lists, uint8 (24, 64), row 0 lowest; NULL until someone looked
);
CREATE INDEX recordings_of_path ON recordings (path);

CREATE TABLE embeddings (
    hash TEXT NOT NULL REFERENCES recordings(hash) ON DELETE CASCADE,
    encoder TEXT NOT NULL, version TEXT NOT NULL, grid TEXT NOT NULL,
    n INTEGER NOT NULL, dim INTEGER NOT NULL,
    mean BLOB NOT NULL,                     -- float32 (dim,) over the loud windows; before what is large, which is then not read for it
    loud BLOB NOT NULL,                     -- bool (n,)
    spans BLOB NOT NULL,                    -- float64 (n, 2) seconds
    data BLOB NOT NULL,                     -- float32 (n, dim)
    PRIMARY KEY (hash, encoder, version, grid)
);

CREATE TABLE classifiers (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,               -- letters, digits, '-': what answers are called by
    title TEXT NOT NULL,
    encoder TEXT NOT NULL, encoder_version TEXT NOT NULL, grid TEXT NOT NULL, dim INTEGER NOT NULL,
    method TEXT NOT NULL CHECK (method IN ('centers', 'gaussian', 'replay', 'words')),
    options TEXT NOT NULL DEFAULT '{}',     -- JSON, of replay: budget, network, unfreeze; of words: template, phrases
    revision INTEGER NOT NULL DEFAULT 0,    -- grows with each change of what it would answer
    active INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE classes (
    id INTEGER PRIMARY KEY,
    classifier INTEGER NOT NULL REFERENCES classifiers(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'class' CHECK (role IN ('class', 'background', 'negative')),
    of INTEGER REFERENCES classes(id) ON DELETE CASCADE,   -- of a negative: the class that these sounds are not
    colour INTEGER NOT NULL,
    active INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX one_name ON classes (classifier, name) WHERE active = 1;

CREATE TABLE examples (
    id INTEGER PRIMARY KEY,
    classifier INTEGER NOT NULL REFERENCES classifiers(id) ON DELETE CASCADE,
    class INTEGER REFERENCES classes(id),   -- NULL: not in use
    hash TEXT NOT NULL REFERENCES recordings(hash),
    start_s REAL, end_s REAL,               -- NULL: the whole recording
    grp TEXT NOT NULL DEFAULT ''            -- never on both sides of a held-out test
);
CREATE INDEX examples_of_class ON examples (classifier, class);
CREATE INDEX examples_of_recording ON examples (hash);

CREATE TABLE bases (                        -- sums without examples: a shipped classifier or a pack
    id INTEGER PRIMARY KEY,
    classifier INTEGER NOT NULL REFERENCES classifiers(id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    pack BLOB NOT NULL,                     -- the bytes of a class pack
    active INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE base_classes (
    base INTEGER NOT NULL REFERENCES bases(id) ON DELETE CASCADE,
    label TEXT NOT NULL,                    -- the class's name in the pack
    class INTEGER REFERENCES classes(id),   -- NULL: hidden
    PRIMARY KEY (base, label)
);

CREATE TABLE lessons (
    id INTEGER PRIMARY KEY,
    classifier INTEGER NOT NULL REFERENCES classifiers(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,              -- order of keeping; 0 while it waits
    kind TEXT NOT NULL,                     -- teach, extend, rename, merge, delete, move, forget, join, method
    title TEXT NOT NULL,                    -- "Teach 3 classes: piano, flute, violin"
    state TEXT NOT NULL CHECK (state IN ('planned', 'draft', 'kept', 'undone')),
    made_at TEXT NOT NULL,                  -- UTC, ISO 8601
    plan TEXT NOT NULL DEFAULT '',          -- JSON, what was asked for: where to go on after an interruption
    changes TEXT NOT NULL DEFAULT '[]',     -- JSON, what it does
    card TEXT NOT NULL DEFAULT ''           -- JSON, what it did
);

CREATE TABLE heads (
    classifier INTEGER NOT NULL REFERENCES classifiers(id) ON DELETE CASCADE,
    lesson INTEGER NOT NULL,                -- 0: as it answers now; else as that lesson left it (replay only)
    state BLOB NOT NULL,                    -- safetensors; of words: the phrases' embeddings and the scale
    PRIMARY KEY (classifier, lesson)
);
CREATE TABLE checkpoints (lesson INTEGER PRIMARY KEY REFERENCES lessons(id) ON DELETE CASCADE, state BLOB NOT NULL);
CREATE TABLE exemplars (                    -- audio windows kept where an encoder's last blocks are tuned too
    example INTEGER PRIMARY KEY REFERENCES examples(id) ON DELETE CASCADE,
    windows BLOB NOT NULL                   -- safetensors: int16 (n, samples)
);

CREATE TABLE answers (
    hash TEXT NOT NULL REFERENCES recordings(hash) ON DELETE CASCADE,
    classifier INTEGER NOT NULL REFERENCES classifiers(id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    answer TEXT NOT NULL,                   -- JSON of an Answer
    PRIMARY KEY (hash, classifier)
);
CREATE TABLE verdicts (                     -- what the user said while reviewing
    id INTEGER PRIMARY KEY,
    classifier INTEGER NOT NULL REFERENCES classifiers(id) ON DELETE CASCADE,
    hash TEXT NOT NULL REFERENCES recordings(hash) ON DELETE CASCADE,
    start_s REAL, end_s REAL,
    class INTEGER REFERENCES classes(id),   -- NULL: none of the classes
    taught INTEGER REFERENCES lessons(id) ON DELETE SET NULL
);
"""

_TO_2 = """
CREATE TABLE classifiers_2 (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    encoder TEXT NOT NULL, encoder_version TEXT NOT NULL, grid TEXT NOT NULL, dim INTEGER NOT NULL,
    method TEXT NOT NULL CHECK (method IN ('centers', 'gaussian', 'replay', 'words')),
    options TEXT NOT NULL DEFAULT '{}',
    revision INTEGER NOT NULL DEFAULT 0,
    active INTEGER NOT NULL DEFAULT 1
);
INSERT INTO classifiers_2 SELECT id, key, title, encoder, encoder_version, grid, dim, method, options, revision, active FROM classifiers;
DROP TABLE classifiers;
ALTER TABLE classifiers_2 RENAME TO classifiers
"""
"""Classifiers by words. What a column may hold can only be changed by making its table anew."""

MIGRATIONS: tuple[str, ...] = (_TO_2,)
"""Scripts; the first leads from version 1 to version 2, and so on."""
