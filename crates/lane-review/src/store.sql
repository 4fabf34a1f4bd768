-- What the decisions are about: `format` of this file, `data_sha256` of the audited file.
CREATE TABLE audit (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- One entry a decision, in the order in which they came. Nothing is ever changed here.
CREATE TABLE decisions (
    number     INTEGER PRIMARY KEY,
    row        INTEGER NOT NULL CHECK (row >= 0),
    label      TEXT NOT NULL,
    decision   TEXT NOT NULL CHECK (decision IN ('keep', 'suggestion', 'other', 'skip')),
    new_label  TEXT CHECK ((new_label IS NULL) = (decision = 'skip')),
    annotator  TEXT NOT NULL CHECK (annotator <> ''),
    decided_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    -- The entry that this one takes back, a copy of which it is.
    undoes     INTEGER UNIQUE REFERENCES decisions (number),
    undone     INTEGER NOT NULL GENERATED ALWAYS AS (undoes IS NOT NULL) VIRTUAL
) STRICT;

CREATE INDEX decisions_of ON decisions (annotator, row, number);

CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;

CREATE TRIGGER decisions_are_kept BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;

-- Entries that were not taken back.
CREATE VIEW made AS
SELECT * FROM decisions AS it
WHERE undoes IS NULL AND NOT EXISTS (SELECT 1 FROM decisions WHERE undoes = it.number);

-- What counts: the newest of them, of each annotator and row.
CREATE VIEW standing AS
SELECT * FROM made AS it
WHERE NOT EXISTS (
    SELECT 1 FROM made AS later
    WHERE later.annotator = it.annotator AND later.row = it.row AND later.number > it.number
);
