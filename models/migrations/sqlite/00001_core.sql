-- +goose Up
-- No foreign keys between the busy tables: see the PostgreSQL twin of this file.
-- Times are microseconds since 1970; declaring them TIMESTAMP lets the driver
-- know that they are times. WITHOUT ROWID: small rows found by their text key
-- are kept in one tree instead of two.

CREATE TABLE catalog_version (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER  NOT NULL
);
INSERT INTO catalog_version (one, version) VALUES (1, 1);

-- One row per log: the number of its newest entry, and the log's identity.
CREATE TABLE streams (
    name  TEXT   PRIMARY KEY,
    seq   INTEGER NOT NULL,
    epoch TEXT   NOT NULL
);
INSERT INTO streams (name, seq, epoch) VALUES ('timeline', 0, lower(hex(randomblob(6))));

-- Incident numbers (a sequence on PostgreSQL).
INSERT INTO streams (name, seq, epoch) VALUES ('incident', 0, '');

CREATE TABLE incidents (
    id              TEXT        PRIMARY KEY,
    number          INTEGER      NOT NULL UNIQUE,
    service_id      TEXT        NOT NULL,
    service_name    TEXT        NOT NULL,
    integration_id  TEXT        NOT NULL,
    dedup_key       TEXT        NOT NULL,
    title           TEXT        NOT NULL,
    severity        TEXT        NOT NULL CHECK (severity IN ('critical', 'error', 'warning', 'info')),
    urgency         TEXT        NOT NULL CHECK (urgency IN ('high', 'low')),
    status          TEXT        NOT NULL CHECK (status IN ('triggered', 'acknowledged', 'resolved')),
    revision        INTEGER      NOT NULL CHECK (revision > 0),
    assignees       TEXT        NOT NULL,
    acknowledged_by TEXT,
    resolved_by     TEXT,
    created_at      TIMESTAMP NOT NULL,
    updated_at      TIMESTAMP NOT NULL,
    acknowledged_at TIMESTAMP,
    resolved_at     TIMESTAMP,
    escalate_at     TIMESTAMP,
    ack_timeout_at  TIMESTAMP,
    snooze_ends_at  TIMESTAMP,
    auto_resolve_at TIMESTAMP,
    ack_timeout     INTEGER      NOT NULL, -- nanoseconds
    auto_resolve    INTEGER      NOT NULL, -- nanoseconds
    plan            TEXT        NOT NULL,
    level           INTEGER     NOT NULL,
    loop            INTEGER     NOT NULL,
    exhausted       BOOLEAN     NOT NULL,
    next_rung_at    TIMESTAMP,
    due_at          TIMESTAMP, -- the earliest of the timers and next_rung_at
    claimable_at    TIMESTAMP, -- due_at, or the end of the lease while a node holds it
    lease_node      TEXT        NOT NULL DEFAULT '',
    CONSTRAINT escalation_only_while_triggered CHECK (escalate_at IS NULL OR status = 'triggered'),
    CONSTRAINT ack_timers_only_while_acknowledged CHECK ((ack_timeout_at IS NULL AND snooze_ends_at IS NULL) OR status = 'acknowledged'),
    CONSTRAINT resolved_has_no_timers CHECK (status <> 'resolved' OR (auto_resolve_at IS NULL AND due_at IS NULL)),
    CONSTRAINT resolved_is_dated CHECK ((status = 'resolved') = (resolved_at IS NOT NULL)),
    CONSTRAINT acknowledged_is_dated CHECK (status <> 'acknowledged' OR acknowledged_at IS NOT NULL),
    CONSTRAINT due_is_claimable CHECK ((due_at IS NULL) = (claimable_at IS NULL))
);
CREATE INDEX incidents_claimable ON incidents (claimable_at) WHERE claimable_at IS NOT NULL;
CREATE INDEX incidents_newest ON incidents (created_at DESC, id DESC);
CREATE INDEX incidents_open ON incidents (created_at DESC, id DESC) WHERE status <> 'resolved';

CREATE TABLE alerts (
    id             TEXT        PRIMARY KEY,
    incident_id    TEXT        NOT NULL,
    service_id     TEXT        NOT NULL,
    integration_id TEXT        NOT NULL,
    dedup_key      TEXT        NOT NULL,
    fingerprint    TEXT        NOT NULL,
    severity       TEXT        NOT NULL,
    summary        TEXT        NOT NULL,
    source         TEXT        NOT NULL,
    payload        BLOB       NOT NULL,
    count          INTEGER      NOT NULL CHECK (count > 0),
    first_at       TIMESTAMP NOT NULL,
    last_at        TIMESTAMP NOT NULL,
    resolved_at    TIMESTAMP
);
CREATE INDEX alerts_of_incident ON alerts (incident_id, first_at);

-- What an integration's dedup key points at while it is open.
CREATE TABLE open_keys (
    integration_id TEXT NOT NULL,
    dedup_key      TEXT NOT NULL,
    incident_id    TEXT NOT NULL,
    alert_id       TEXT NOT NULL,
    fingerprint    TEXT NOT NULL,
    PRIMARY KEY (integration_id, dedup_key)
) WITHOUT ROWID;
CREATE INDEX open_keys_of_incident ON open_keys (incident_id);

CREATE TABLE notifications (
    id          TEXT        PRIMARY KEY,
    incident_id TEXT        NOT NULL,
    user_id     TEXT        NOT NULL,
    rule_id     TEXT        NOT NULL,
    method      TEXT        NOT NULL,
    device_id   TEXT        NOT NULL,
    level       INTEGER     NOT NULL,
    loop        INTEGER     NOT NULL,
    state       TEXT        NOT NULL CHECK (state IN ('scheduled', 'dispatched', 'cancelled', 'expired')),
    due_at      TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    created_at  TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX notifications_waiting ON notifications (incident_id, due_at) WHERE state = 'scheduled';

CREATE TABLE deliveries (
    id              TEXT        PRIMARY KEY,
    kind            TEXT        NOT NULL CHECK (kind IN ('page', 'update', 'settle')),
    notification_id TEXT        NOT NULL,
    incident_id     TEXT        NOT NULL,
    revision        INTEGER      NOT NULL,
    user_id         TEXT        NOT NULL,
    device_id       TEXT        NOT NULL,
    state           TEXT        NOT NULL CHECK (state IN ('scheduled', 'accepted', 'failed', 'expired', 'cancelled')),
    due_at          TIMESTAMP NOT NULL,
    expires_at      TIMESTAMP NOT NULL,
    held            BOOLEAN     NOT NULL DEFAULT 0,
    lease_until     TIMESTAMP,
    lease_node      TEXT        NOT NULL,
    claimable_at    TIMESTAMP, -- due_at, or the end of the lease; null when final
    attempt         INTEGER     NOT NULL,
    created_at      TIMESTAMP NOT NULL,
    CONSTRAINT only_scheduled_is_claimable CHECK ((state = 'scheduled') = (claimable_at IS NOT NULL))
) WITHOUT ROWID;
CREATE INDEX deliveries_claimable ON deliveries (kind, claimable_at) WHERE claimable_at IS NOT NULL;
CREATE INDEX deliveries_of_incident ON deliveries (incident_id);

CREATE TABLE timeline (
    seq         INTEGER      PRIMARY KEY,
    incident_id TEXT        NOT NULL,
    revision    INTEGER      NOT NULL,
    type        TEXT        NOT NULL,
    at          TIMESTAMP NOT NULL,
    actor       TEXT        NOT NULL,
    incident    TEXT,
    detail      TEXT        NOT NULL
);
CREATE INDEX timeline_of_incident ON timeline (incident_id, seq);

CREATE TABLE changes (
    id             TEXT        PRIMARY KEY,
    service_id     TEXT        NOT NULL,
    integration_id TEXT        NOT NULL,
    summary        TEXT        NOT NULL,
    source         TEXT        NOT NULL,
    at             TIMESTAMP NOT NULL,
    payload        BLOB       NOT NULL,
    received_at    TIMESTAMP NOT NULL
);
CREATE INDEX changes_of_service ON changes (service_id, at DESC);

-- Answers given under idempotency keys, kept for 24 hours.
CREATE TABLE answers (
    principal   TEXT        NOT NULL,
    key         TEXT        NOT NULL,
    fingerprint TEXT        NOT NULL,
    answer      BLOB       NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (principal, key)
) WITHOUT ROWID;
CREATE INDEX answers_old ON answers (created_at);
