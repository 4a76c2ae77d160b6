-- +goose Up
-- SQLite cannot change a constraint: the two tables are built anew. What is
-- said of their columns stands in the PostgreSQL twin of this file.

-- A device is any one way to a person: an installed app, a browser, or an
-- address (e-mail, webhook, telephone number).
CREATE TABLE devices_new (
    id            TEXT        PRIMARY KEY,
    user_id       TEXT        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          TEXT        NOT NULL,
    platform      TEXT        NOT NULL CHECK (platform IN ('ios', 'android', 'web', 'email', 'webhook', 'sms', 'voice')),
    provider      TEXT        NOT NULL CHECK (provider IN ('apns', 'fcm', 'webpush', 'email', 'webhook', 'sms', 'voice')),
    app           TEXT        NOT NULL,
    environment   TEXT        NOT NULL,
    target_kind   TEXT        NOT NULL CHECK (target_kind IN ('token', 'fid', 'endpoint', 'address')),
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
    removed_at    TIMESTAMP,
    keys            TEXT      NOT NULL DEFAULT '{}', -- public keys of the device, and the sealed secret of a webhook
    live_activity   TEXT      NOT NULL DEFAULT '{}',
    last_receipt_at TIMESTAMP,
    verified_at     TIMESTAMP, -- an address is used only after its owner has proved it
    evidence        TEXT      NOT NULL DEFAULT '{}' -- what the provider said of the token since it was registered
);
INSERT INTO devices_new (id, user_id, name, platform, provider, app, environment, target_kind, token, registered_at, state, state_reason, state_at, capabilities, app_version, os_version, locale, created_at, last_seen_at, removed_at)
SELECT id, user_id, name, platform, provider, app, environment, target_kind, token, registered_at, state, state_reason, state_at, capabilities, app_version, os_version, locale, created_at, last_seen_at, removed_at FROM devices;
DROP TABLE devices;
ALTER TABLE devices_new RENAME TO devices;
-- One token is one app; an address may be several people's.
CREATE UNIQUE INDEX devices_token ON devices (provider, token) WHERE removed_at IS NULL AND target_kind <> 'address';
CREATE INDEX devices_of_user ON devices (user_id) WHERE removed_at IS NULL;
CREATE INDEX devices_judged ON devices (app, provider, state_at) WHERE removed_at IS NULL AND state <> 'active';

CREATE TABLE deliveries_new (
    id              TEXT        PRIMARY KEY,
    kind            TEXT        NOT NULL CHECK (kind IN ('page', 'update', 'settle', 'activity', 'digest', 'test', 'notice', 'probe')),
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
    about           TEXT      NOT NULL DEFAULT '{}', -- what is said where no incident says it
    dedup           TEXT,                            -- at most one delivery under it, ever
    CONSTRAINT only_scheduled_is_claimable CHECK ((state = 'scheduled') = (claimable_at IS NOT NULL))
) WITHOUT ROWID;
INSERT INTO deliveries_new (id, kind, notification_id, incident_id, revision, user_id, device_id, state, due_at, expires_at, held, lease_until, lease_node, claimable_at, attempt, created_at)
SELECT id, kind, notification_id, incident_id, revision, user_id, device_id, state, due_at, expires_at, held, lease_until, lease_node, claimable_at, attempt, created_at FROM deliveries;
DROP TABLE deliveries;
ALTER TABLE deliveries_new RENAME TO deliveries;
CREATE INDEX deliveries_claimable ON deliveries (kind, claimable_at) WHERE claimable_at IS NOT NULL;
CREATE INDEX deliveries_of_incident ON deliveries (incident_id);
CREATE UNIQUE INDEX deliveries_dedup ON deliveries (dedup) WHERE dedup IS NOT NULL;
CREATE INDEX deliveries_of_user ON deliveries (user_id, id);
CREATE INDEX deliveries_of_device ON deliveries (device_id, id);

-- The delivery log: every attempt and what came of it.
CREATE TABLE attempts (
    delivery_id TEXT        NOT NULL,
    sent_at     TIMESTAMP NOT NULL,
    done_at     TIMESTAMP NOT NULL,
    attempt     INTEGER     NOT NULL,
    provider    TEXT        NOT NULL,
    app         TEXT        NOT NULL,
    environment TEXT        NOT NULL,
    class       TEXT        NOT NULL,
    status      INTEGER     NOT NULL,
    reason      TEXT        NOT NULL,
    provider_id TEXT        NOT NULL,
    level       TEXT        NOT NULL, -- how hard it knocked
    downgrade   TEXT        NOT NULL, -- why not as hard as it should; empty: it did
    PRIMARY KEY (delivery_id, sent_at)
) WITHOUT ROWID;

-- What devices reported, once per delivery and event.
CREATE TABLE receipts (
    delivery_id TEXT        NOT NULL,
    event       TEXT        NOT NULL CHECK (event IN ('received', 'displayed', 'opened', 'acted')),
    device_at   TIMESTAMP,          -- by the device's own clock, as it said
    at          TIMESTAMP NOT NULL, -- by ours
    detail      TEXT        NOT NULL,
    PRIMARY KEY (delivery_id, event)
) WITHOUT ROWID;

-- The ladder: a rung may come earlier if the one before it was not displayed.
ALTER TABLE notifications ADD COLUMN fixed_at TIMESTAMP; -- when it is due if the one it waits for was displayed
ALTER TABLE notifications ADD COLUMN waits_for TEXT NOT NULL DEFAULT ''; -- a notification's id
ALTER TABLE notifications ADD COLUMN displayed_within INTEGER NOT NULL DEFAULT 0; -- nanoseconds; how long those that wait for it wait
ALTER TABLE rules ADD COLUMN displayed_within INTEGER NOT NULL DEFAULT 0 CHECK (displayed_within >= 0); -- nanoseconds, 0 is off

-- Live Activities that run on phones.
CREATE TABLE activities (
    device_id   TEXT        NOT NULL,
    incident_id TEXT        NOT NULL,
    token       TEXT        NOT NULL,
    started_at  TIMESTAMP NOT NULL,
    updated_at  TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP,
    PRIMARY KEY (device_id, incident_id)
) WITHOUT ROWID;
CREATE INDEX activities_of_incident ON activities (incident_id) WHERE ended_at IS NULL;

-- Push apps that admins set up through the API; credentials are sealed.
CREATE TABLE push_apps (
    provider   TEXT        NOT NULL,
    name       TEXT        NOT NULL,
    settings   TEXT        NOT NULL,
    sealed     BLOB       NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    updated_by TEXT        NOT NULL,
    PRIMARY KEY (provider, name)
) WITHOUT ROWID;

-- Apps whose devices are not judged for now, because too many of them were
-- called gone at once (the mass-prune guard).
CREATE TABLE prune_holds (
    provider TEXT        NOT NULL,
    app      TEXT        NOT NULL,
    since    TIMESTAMP NOT NULL,
    until    TIMESTAMP NOT NULL,
    judged   INTEGER     NOT NULL,
    devices  INTEGER     NOT NULL,
    reason   TEXT        NOT NULL,
    PRIMARY KEY (provider, app)
) WITHOUT ROWID;

-- Codes that prove an address, one row for each that was sent: the newest of an
-- address counts, the others keep count of how often somebody asked.
CREATE TABLE contact_codes (
    device_id  TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    sent_at    TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    hash       BLOB NOT NULL,
    tries      INTEGER NOT NULL,
    PRIMARY KEY (device_id, sent_at)
) WITHOUT ROWID;
CREATE INDEX contact_codes_of_user ON contact_codes (user_id, sent_at);
