-- +goose Up
SET LOCAL lock_timeout = '3s';

-- A device is any one way to a person: an installed app, a browser, or an
-- address (e-mail, webhook, telephone number).
ALTER TABLE devices DROP CONSTRAINT devices_platform_check, DROP CONSTRAINT devices_provider_check, DROP CONSTRAINT devices_target_kind_check;
ALTER TABLE devices
    ADD CONSTRAINT devices_platform_check CHECK (platform IN ('ios', 'android', 'web', 'email', 'webhook', 'sms', 'voice')),
    ADD CONSTRAINT devices_provider_check CHECK (provider IN ('apns', 'fcm', 'webpush', 'email', 'webhook', 'sms', 'voice')),
    ADD CONSTRAINT devices_target_kind_check CHECK (target_kind IN ('token', 'fid', 'endpoint', 'address')),
    ADD COLUMN keys            json NOT NULL DEFAULT '{}', -- public keys of the device, and the sealed secret of a webhook
    ADD COLUMN live_activity   json NOT NULL DEFAULT '{}',
    ADD COLUMN last_receipt_at timestamptz,
    ADD COLUMN verified_at     timestamptz, -- an address is used only after its owner has proved it
    ADD COLUMN evidence        json NOT NULL DEFAULT '{}'; -- what the provider said of the token since it was registered
-- One token is one app; an address may be several people's.
DROP INDEX devices_token;
CREATE UNIQUE INDEX devices_token ON devices (provider, token) WHERE removed_at IS NULL AND target_kind <> 'address';
CREATE INDEX devices_judged ON devices (app, provider, state_at) WHERE removed_at IS NULL AND state <> 'active';

ALTER TABLE deliveries DROP CONSTRAINT deliveries_kind_check;
ALTER TABLE deliveries
    ADD CONSTRAINT deliveries_kind_check CHECK (kind IN ('page', 'update', 'settle', 'activity', 'digest', 'test', 'notice', 'probe')),
    ADD COLUMN about json NOT NULL DEFAULT '{}', -- what is said where no incident says it
    ADD COLUMN dedup text;                       -- at most one delivery under it, ever
CREATE UNIQUE INDEX deliveries_dedup ON deliveries (dedup) WHERE dedup IS NOT NULL;
CREATE INDEX deliveries_of_user ON deliveries (user_id, id);
CREATE INDEX deliveries_of_device ON deliveries (device_id, id);

-- The delivery log: every attempt and what came of it.
CREATE TABLE attempts (
    delivery_id text        NOT NULL,
    sent_at     timestamptz NOT NULL,
    done_at     timestamptz NOT NULL,
    attempt     integer     NOT NULL,
    provider    text        NOT NULL,
    app         text        NOT NULL,
    environment text        NOT NULL,
    class       text        NOT NULL,
    status      integer     NOT NULL,
    reason      text        NOT NULL,
    provider_id text        NOT NULL,
    level       text        NOT NULL, -- how hard it knocked
    downgrade   text        NOT NULL, -- why not as hard as it should; empty: it did
    PRIMARY KEY (delivery_id, sent_at)
);

-- What devices reported, once per delivery and event.
CREATE TABLE receipts (
    delivery_id text        NOT NULL,
    event       text        NOT NULL CHECK (event IN ('received', 'displayed', 'opened', 'acted')),
    device_at   timestamptz,          -- by the device's own clock, as it said
    at          timestamptz NOT NULL, -- by ours
    detail      json        NOT NULL,
    PRIMARY KEY (delivery_id, event)
);

-- The ladder: a rung may come earlier if the one before it was not displayed.
ALTER TABLE notifications
    ADD COLUMN fixed_at  timestamptz,              -- when it is due if the one it waits for was displayed
    ADD COLUMN waits_for text NOT NULL DEFAULT '', -- a notification's id
    ADD COLUMN displayed_within bigint NOT NULL DEFAULT 0; -- nanoseconds; how long those that wait for it wait
ALTER TABLE rules ADD COLUMN displayed_within bigint NOT NULL DEFAULT 0 CHECK (displayed_within >= 0); -- nanoseconds, 0 is off

-- Live Activities that run on phones.
CREATE TABLE activities (
    device_id   text        NOT NULL,
    incident_id text        NOT NULL,
    token       text        NOT NULL,
    started_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    PRIMARY KEY (device_id, incident_id)
);
CREATE INDEX activities_of_incident ON activities (incident_id) WHERE ended_at IS NULL;

-- Push apps that admins set up through the API; credentials are sealed.
CREATE TABLE push_apps (
    provider   text        NOT NULL,
    name       text        NOT NULL,
    settings   json        NOT NULL,
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text        NOT NULL,
    PRIMARY KEY (provider, name)
);

-- Apps whose devices are not judged for now, because too many of them were
-- called gone at once (the mass-prune guard).
CREATE TABLE prune_holds (
    provider text        NOT NULL,
    app      text        NOT NULL,
    since    timestamptz NOT NULL,
    until    timestamptz NOT NULL,
    judged   integer     NOT NULL,
    devices  integer     NOT NULL,
    reason   text        NOT NULL,
    PRIMARY KEY (provider, app)
);

-- Codes that prove an address, one row for each that was sent: the newest of an
-- address counts, the others keep count of how often somebody asked.
CREATE TABLE contact_codes (
    device_id  text NOT NULL,
    user_id    text NOT NULL,
    sent_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    hash       bytea NOT NULL,
    tries      integer NOT NULL,
    PRIMARY KEY (device_id, sent_at)
);
CREATE INDEX contact_codes_of_user ON contact_codes (user_id, sent_at);
