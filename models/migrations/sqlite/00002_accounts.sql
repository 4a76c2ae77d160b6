-- +goose Up
-- Who there is, how to reach them, and what is configured. All of it is small
-- and read as a whole (catalog.go), except sessions and their chains.

CREATE TABLE users (
    id            TEXT        PRIMARY KEY,
    email         TEXT        NOT NULL UNIQUE CHECK (email = lower(email)),
    name          TEXT        NOT NULL,
    role          TEXT        NOT NULL CHECK (role IN ('owner', 'admin', 'manager', 'responder', 'stakeholder')),
    time_zone     TEXT        NOT NULL,
    locale        TEXT        NOT NULL,
    password_hash TEXT        NOT NULL, -- argon2id PHC string; empty: no sign-in by password
    disabled      BOOLEAN     NOT NULL,
    created_at    TIMESTAMP NOT NULL
);

-- A person's notification rules, in their order.
CREATE TABLE rules (
    id        TEXT    PRIMARY KEY,
    user_id   TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    urgency   TEXT    NOT NULL CHECK (urgency IN ('high', 'low')),
    method    TEXT    NOT NULL,
    delay     INTEGER  NOT NULL CHECK (delay >= 0), -- nanoseconds
    device_id TEXT    NOT NULL,
    UNIQUE (user_id, position)
);

-- A session is a family of refresh tokens: a signed-in app.
CREATE TABLE sessions (
    id          TEXT        PRIMARY KEY,
    user_id     TEXT        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    label       TEXT        NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    revoked_at  TIMESTAMP,
    revoked_why TEXT        NOT NULL,
    CONSTRAINT revoked_says_why CHECK ((revoked_at IS NULL) = (revoked_why = ''))
);
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_old ON sessions (expires_at);

-- The links of a family's chain; only the hash of each token is known.
CREATE TABLE refresh_tokens (
    hash       TEXT        PRIMARY KEY,
    session_id TEXT        NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at TIMESTAMP NOT NULL,
    used_at    TIMESTAMP
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_used ON refresh_tokens (used_at) WHERE used_at IS NOT NULL;

CREATE TABLE signing_keys (
    kid        TEXT        PRIMARY KEY,
    public     BLOB       NOT NULL,
    sealed     BLOB       NOT NULL, -- the private half, under the instance secret
    created_at TIMESTAMP NOT NULL,
    sign_from  TIMESTAMP NOT NULL,
    retire_at  TIMESTAMP
);

CREATE TABLE login_failures (
    key TEXT        NOT NULL, -- an e-mail or network address
    at  TIMESTAMP NOT NULL
);
CREATE INDEX login_failures_of_key ON login_failures (key, at);
CREATE INDEX login_failures_old ON login_failures (at);

-- Rows are never deleted: the timeline and deliveries name them. A removed
-- device is out of everything else, and frees its token.
CREATE TABLE devices (
    id            TEXT        PRIMARY KEY,
    user_id       TEXT        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          TEXT        NOT NULL,
    platform      TEXT        NOT NULL CHECK (platform IN ('ios', 'android')),
    provider      TEXT        NOT NULL CHECK (provider IN ('apns', 'fcm')),
    app           TEXT        NOT NULL,
    environment   TEXT        NOT NULL,
    target_kind   TEXT        NOT NULL CHECK (target_kind IN ('token', 'fid')),
    token         TEXT        NOT NULL,
    registered_at TIMESTAMP NOT NULL,
    state         TEXT        NOT NULL CHECK (state IN ('active', 'suspect', 'dead')),
    state_reason  TEXT        NOT NULL,
    state_at      TIMESTAMP,
    capabilities  TEXT        NOT NULL,
    app_version   TEXT        NOT NULL,
    os_version    TEXT        NOT NULL,
    locale        TEXT        NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    last_seen_at  TIMESTAMP,
    removed_at    TIMESTAMP
);
CREATE UNIQUE INDEX devices_token ON devices (provider, token) WHERE removed_at IS NULL;
CREATE INDEX devices_of_user ON devices (user_id) WHERE removed_at IS NULL;

-- name_key is the name without regard to case and outer space, made by the
-- program: the engines do not agree on what lower case is.
CREATE TABLE schedules (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    name_key  TEXT NOT NULL UNIQUE,
    time_zone TEXT NOT NULL,
    layers    TEXT NOT NULL
);

CREATE TABLE policies (
    id       TEXT    PRIMARY KEY,
    name     TEXT    NOT NULL,
    name_key TEXT    NOT NULL UNIQUE,
    levels   TEXT    NOT NULL,
    loops    INTEGER NOT NULL CHECK (loops BETWEEN 0 AND 9)
);

CREATE TABLE services (
    id           TEXT   PRIMARY KEY,
    name         TEXT   NOT NULL,
    name_key     TEXT   NOT NULL UNIQUE,
    policy_id    TEXT   NOT NULL REFERENCES policies (id),
    urgency      TEXT   NOT NULL CHECK (urgency IN ('high', 'low', 'severity')),
    ack_timeout  INTEGER NOT NULL CHECK (ack_timeout >= 0), -- nanoseconds, 0 is off
    auto_resolve INTEGER NOT NULL CHECK (auto_resolve >= 0) -- nanoseconds, 0 is off
);

CREATE TABLE integrations (
    id          TEXT PRIMARY KEY,
    service_id  TEXT NOT NULL REFERENCES services (id),
    name        TEXT NOT NULL,
    name_key    TEXT NOT NULL,
    routing_key TEXT NOT NULL UNIQUE CHECK (length(routing_key) = 32),
    UNIQUE (service_id, name_key)
);
