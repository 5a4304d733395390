-- The tables of a new database. One of an earlier version gets the same, by what each version since then adds: see
-- `schema`, where whoever changes something here adds it as well.

CREATE TABLE messages (
    n                 INTEGER PRIMARY KEY,
    account           TEXT NOT NULL,
    chat              TEXT NOT NULL,
    id                TEXT NOT NULL,
    direction         TEXT NOT NULL,
    chat_kind         TEXT NOT NULL,
    phone             TEXT,
    lid               TEXT,
    sender            TEXT NOT NULL,
    name              TEXT,
    kind              TEXT NOT NULL,
    body              TEXT NOT NULL,
    at                INTEGER NOT NULL,
    state             TEXT,
    attempts          INTEGER NOT NULL DEFAULT 0,
    queued_at         INTEGER,
    dispatched_at     INTEGER,
    sent_at           INTEGER,
    delivered_at      INTEGER,
    read_at           INTEGER,
    failed_at         INTEGER,
    failure_code      INTEGER,
    failure_text      TEXT,
    failure_retryable INTEGER,
    expires_at        INTEGER,
    expired_at        INTEGER,
    cancelled_at      INTEGER,
    target            TEXT,
    target_from_me    INTEGER,
    key               INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX messages_pending ON messages (account, n) WHERE state IN ('queued', 'dispatched');
CREATE INDEX messages_target ON messages (account, chat, target) WHERE target IS NOT NULL;
CREATE INDEX messages_state ON messages (account, state) WHERE state IS NOT NULL;

-- Which message has a key: see `keys`. The column `messages.key` is not used any more.
CREATE TABLE key_runs (id INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
CREATE TABLE key_parts (id INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
CREATE TABLE key_buckets (id INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;

-- What is derived from messages for finding them: see `index`.
CREATE TABLE indexed (
    upto INTEGER NOT NULL
) STRICT;
INSERT INTO indexed VALUES (0);
CREATE TABLE message_hours (
    account TEXT NOT NULL,
    hour    INTEGER NOT NULL,
    first_n INTEGER NOT NULL,
    last_n  INTEGER NOT NULL,
    PRIMARY KEY (account, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE chats (
    account TEXT NOT NULL,
    chat    TEXT NOT NULL,
    last_n  INTEGER NOT NULL,
    name    TEXT,
    PRIMARY KEY (account, chat)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX chats_last ON chats (account, last_n);
CREATE VIRTUAL TABLE message_text USING fts5 (
    text, content = '', detail = none, columnsize = 0,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);
INSERT INTO message_text (message_text, rank) VALUES ('hashsize', 65536);

-- What is told: see `journal`.
CREATE TABLE journal (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    account    TEXT NOT NULL,
    at         INTEGER NOT NULL,
    type       TEXT NOT NULL,
    chat       TEXT,
    message_id TEXT,
    payload    TEXT NOT NULL,
    version    INTEGER NOT NULL DEFAULT 1,
    n          INTEGER
) STRICT;

CREATE TABLE settings (
    account TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
    account     TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (account, at);
-- Who wrote to us, also when the messages are not kept any more.
CREATE TABLE known_chats (
    account TEXT NOT NULL,
    chat    TEXT NOT NULL,
    PRIMARY KEY (account, chat)
) STRICT, WITHOUT ROWID;
CREATE TABLE group_subjects (
    account TEXT NOT NULL,
    chat    TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (account, chat)
) STRICT, WITHOUT ROWID;
-- What a webhook is and how far it has come are JSON: nothing is ever looked for in them.
CREATE TABLE webhooks (
    account    TEXT NOT NULL,
    name       TEXT NOT NULL,
    definition TEXT,
    progress   TEXT NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
