-- +goose Up
SET LOCAL lock_timeout = '3s';

-- No foreign keys between the busy tables: each would lock the parent row, some
-- of them after the timeline's counter, and cost a look-up per row.

CREATE TABLE catalog_version (
    one     integer PRIMARY KEY CHECK (one = 1),
    version bigint  NOT NULL
);
INSERT INTO catalog_version (one, version) VALUES (1, 1);

-- One row per log: the number of its newest entry, and the log's identity.
CREATE TABLE streams (
    name  text   PRIMARY KEY,
    seq   bigint NOT NULL,
    epoch text   NOT NULL
) WITH (fillfactor = 10); -- its rows change with each commit; room for that in the page
INSERT INTO streams (name, seq, epoch) VALUES ('timeline', 0, substr(md5(random()::text || clock_timestamp()::text), 1, 12));

-- Incident numbers: a sequence, because a counter row would stay locked by the
-- first opener of a batch until it commits. Numbers may have holes.
CREATE SEQUENCE incident_number;

CREATE TABLE incidents (
    id              text        PRIMARY KEY,
    number          bigint      NOT NULL UNIQUE,
    service_id      text        NOT NULL,
    service_name    text        NOT NULL,
    integration_id  text        NOT NULL,
    dedup_key       text        NOT NULL,
    title           text        NOT NULL,
    severity        text        NOT NULL CHECK (severity IN ('critical', 'error', 'warning', 'info')),
    urgency         text        NOT NULL CHECK (urgency IN ('high', 'low')),
    status          text        NOT NULL CHECK (status IN ('triggered', 'acknowledged', 'resolved')),
    revision        bigint      NOT NULL CHECK (revision > 0),
    assignees       json        NOT NULL,
    acknowledged_by json,
    resolved_by     json,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    acknowledged_at timestamptz,
    resolved_at     timestamptz,
    escalate_at     timestamptz,
    ack_timeout_at  timestamptz,
    snooze_ends_at  timestamptz,
    auto_resolve_at timestamptz,
    ack_timeout     bigint      NOT NULL, -- nanoseconds
    auto_resolve    bigint      NOT NULL, -- nanoseconds
    plan            json        NOT NULL,
    level           integer     NOT NULL,
    loop            integer     NOT NULL,
    exhausted       boolean     NOT NULL,
    next_rung_at    timestamptz,
    due_at          timestamptz, -- the earliest of the timers and next_rung_at
    claimable_at    timestamptz, -- due_at, or the end of the lease while a node holds it
    lease_node      text        NOT NULL DEFAULT '',
    CONSTRAINT escalation_only_while_triggered CHECK (escalate_at IS NULL OR status = 'triggered'),
    CONSTRAINT ack_timers_only_while_acknowledged CHECK ((ack_timeout_at IS NULL AND snooze_ends_at IS NULL) OR status = 'acknowledged'),
    CONSTRAINT resolved_has_no_timers CHECK (status <> 'resolved' OR (auto_resolve_at IS NULL AND due_at IS NULL)),
    CONSTRAINT resolved_is_dated CHECK ((status = 'resolved') = (resolved_at IS NOT NULL)),
    CONSTRAINT acknowledged_is_dated CHECK (status <> 'acknowledged' OR acknowledged_at IS NOT NULL),
    CONSTRAINT due_is_claimable CHECK ((due_at IS NULL) = (claimable_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX incidents_claimable ON incidents (claimable_at) WHERE claimable_at IS NOT NULL;
CREATE INDEX incidents_newest ON incidents (created_at DESC, id DESC);
CREATE INDEX incidents_open ON incidents (created_at DESC, id DESC) WHERE status <> 'resolved';

CREATE TABLE alerts (
    id             text        PRIMARY KEY,
    incident_id    text        NOT NULL,
    service_id     text        NOT NULL,
    integration_id text        NOT NULL,
    dedup_key      text        NOT NULL,
    fingerprint    text        NOT NULL,
    severity       text        NOT NULL,
    summary        text        NOT NULL,
    source         text        NOT NULL,
    payload        bytea       NOT NULL,
    count          bigint      NOT NULL CHECK (count > 0),
    first_at       timestamptz NOT NULL,
    last_at        timestamptz NOT NULL,
    resolved_at    timestamptz
) WITH (fillfactor = 80);
CREATE INDEX alerts_of_incident ON alerts (incident_id, first_at);

-- What an integration's dedup key points at while it is open.
CREATE TABLE open_keys (
    integration_id text NOT NULL,
    dedup_key      text NOT NULL,
    incident_id    text NOT NULL,
    alert_id       text NOT NULL,
    fingerprint    text NOT NULL,
    PRIMARY KEY (integration_id, dedup_key)
);
CREATE INDEX open_keys_of_incident ON open_keys (incident_id);

CREATE TABLE notifications (
    id          text        PRIMARY KEY,
    incident_id text        NOT NULL,
    user_id     text        NOT NULL,
    rule_id     text        NOT NULL,
    method      text        NOT NULL,
    device_id   text        NOT NULL,
    level       integer     NOT NULL,
    loop        integer     NOT NULL,
    state       text        NOT NULL CHECK (state IN ('scheduled', 'dispatched', 'cancelled', 'expired')),
    due_at      timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX notifications_waiting ON notifications (incident_id, due_at) WHERE state = 'scheduled';

CREATE TABLE deliveries (
    id              text        PRIMARY KEY,
    kind            text        NOT NULL CHECK (kind IN ('page', 'update', 'settle')),
    notification_id text        NOT NULL,
    incident_id     text        NOT NULL,
    revision        bigint      NOT NULL,
    user_id         text        NOT NULL,
    device_id       text        NOT NULL,
    state           text        NOT NULL CHECK (state IN ('scheduled', 'accepted', 'failed', 'expired', 'cancelled')),
    due_at          timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    held            boolean     NOT NULL DEFAULT false,
    lease_until     timestamptz,
    lease_node      text        NOT NULL,
    claimable_at    timestamptz, -- due_at, or the end of the lease; null when final
    attempt         integer     NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT only_scheduled_is_claimable CHECK ((state = 'scheduled') = (claimable_at IS NOT NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX deliveries_claimable ON deliveries (kind, claimable_at) WHERE claimable_at IS NOT NULL;
CREATE INDEX deliveries_of_incident ON deliveries (incident_id);

CREATE TABLE timeline (
    seq         bigint      PRIMARY KEY,
    incident_id text        NOT NULL,
    revision    bigint      NOT NULL,
    type        text        NOT NULL,
    at          timestamptz NOT NULL,
    actor       json        NOT NULL,
    incident    json,
    detail      json        NOT NULL
);
CREATE INDEX timeline_of_incident ON timeline (incident_id, seq);

CREATE TABLE changes (
    id             text        PRIMARY KEY,
    service_id     text        NOT NULL,
    integration_id text        NOT NULL,
    summary        text        NOT NULL,
    source         text        NOT NULL,
    at             timestamptz NOT NULL,
    payload        bytea       NOT NULL,
    received_at    timestamptz NOT NULL
);
CREATE INDEX changes_of_service ON changes (service_id, at DESC);

-- Answers given under idempotency keys, kept for 24 hours.
CREATE TABLE answers (
    principal   text        NOT NULL,
    key         text        NOT NULL,
    fingerprint text        NOT NULL,
    answer      bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (principal, key)
);
CREATE INDEX answers_old ON answers (created_at);
