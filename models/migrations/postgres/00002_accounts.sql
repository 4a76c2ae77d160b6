-- +goose Up
SET LOCAL lock_timeout = '3s';

-- Who there is, how to reach them, and what is configured. All of it is small
-- and read as a whole (catalog.go), except sessions and their chains.

CREATE TABLE users (
    id            text        PRIMARY KEY,
    email         text        NOT NULL UNIQUE CHECK (email = lower(email)),
    name          text        NOT NULL,
    role          text        NOT NULL CHECK (role IN ('owner', 'admin', 'manager', 'responder', 'stakeholder')),
    time_zone     text        NOT NULL,
    locale        text        NOT NULL,
    password_hash text        NOT NULL, -- argon2id PHC string; empty: no sign-in by password
    disabled      boolean     NOT NULL,
    created_at    timestamptz NOT NULL
);

-- A person's notification rules, in their order.
CREATE TABLE rules (
    id        text    PRIMARY KEY,
    user_id   text    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    position  integer NOT NULL,
    urgency   text    NOT NULL CHECK (urgency IN ('high', 'low')),
    method    text    NOT NULL,
    delay     bigint  NOT NULL CHECK (delay >= 0), -- nanoseconds
    device_id text    NOT NULL,
    UNIQUE (user_id, position)
);

-- A session is a family of refresh tokens: a signed-in app.
CREATE TABLE sessions (
    id          text        PRIMARY KEY,
    user_id     text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    label       text        NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz,
    revoked_why text        NOT NULL,
    CONSTRAINT revoked_says_why CHECK ((revoked_at IS NULL) = (revoked_why = ''))
);
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_old ON sessions (expires_at);

-- The links of a family's chain; only the hash of each token is known.
CREATE TABLE refresh_tokens (
    hash       text        PRIMARY KEY,
    session_id text        NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_used ON refresh_tokens (used_at) WHERE used_at IS NOT NULL;

CREATE TABLE signing_keys (
    kid        text        PRIMARY KEY,
    public     bytea       NOT NULL,
    sealed     bytea       NOT NULL, -- the private half, under the instance secret
    created_at timestamptz NOT NULL,
    sign_from  timestamptz NOT NULL,
    retire_at  timestamptz
);

CREATE TABLE login_failures (
    key text        NOT NULL, -- an e-mail or network address
    at  timestamptz NOT NULL
);
CREATE INDEX login_failures_of_key ON login_failures (key, at);
CREATE INDEX login_failures_old ON login_failures (at);

-- Rows are never deleted: the timeline and deliveries name them. A removed
-- device is out of everything else, and frees its token.
CREATE TABLE devices (
    id            text        PRIMARY KEY,
    user_id       text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          text        NOT NULL,
    platform      text        NOT NULL CHECK (platform IN ('ios', 'android')),
    provider      text        NOT NULL CHECK (provider IN ('apns', 'fcm')),
    app           text        NOT NULL,
    environment   text        NOT NULL,
    target_kind   text        NOT NULL CHECK (target_kind IN ('token', 'fid')),
    token         text        NOT NULL,
    registered_at timestamptz NOT NULL,
    state         text        NOT NULL CHECK (state IN ('active', 'suspect', 'dead')),
    state_reason  text        NOT NULL,
    state_at      timestamptz,
    capabilities  json        NOT NULL,
    app_version   text        NOT NULL,
    os_version    text        NOT NULL,
    locale        text        NOT NULL,
    created_at    timestamptz NOT NULL,
    last_seen_at  timestamptz,
    removed_at    timestamptz
);
CREATE UNIQUE INDEX devices_token ON devices (provider, token) WHERE removed_at IS NULL;
CREATE INDEX devices_of_user ON devices (user_id) WHERE removed_at IS NULL;

-- name_key is the name without regard to case and outer space, made by the
-- program: the engines do not agree on what lower case is.
CREATE TABLE schedules (
    id        text PRIMARY KEY,
    name      text NOT NULL,
    name_key  text NOT NULL UNIQUE,
    time_zone text NOT NULL,
    layers    json NOT NULL
);

CREATE TABLE policies (
    id       text    PRIMARY KEY,
    name     text    NOT NULL,
    name_key text    NOT NULL UNIQUE,
    levels   json    NOT NULL,
    loops    integer NOT NULL CHECK (loops BETWEEN 0 AND 9)
);

CREATE TABLE services (
    id           text   PRIMARY KEY,
    name         text   NOT NULL,
    name_key     text   NOT NULL UNIQUE,
    policy_id    text   NOT NULL REFERENCES policies (id),
    urgency      text   NOT NULL CHECK (urgency IN ('high', 'low', 'severity')),
    ack_timeout  bigint NOT NULL CHECK (ack_timeout >= 0), -- nanoseconds, 0 is off
    auto_resolve bigint NOT NULL CHECK (auto_resolve >= 0) -- nanoseconds, 0 is off
);

CREATE TABLE integrations (
    id          text PRIMARY KEY,
    service_id  text NOT NULL REFERENCES services (id),
    name        text NOT NULL,
    name_key    text NOT NULL,
    routing_key text NOT NULL UNIQUE CHECK (length(routing_key) = 32),
    UNIQUE (service_id, name_key)
);
