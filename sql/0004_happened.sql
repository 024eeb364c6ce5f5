-- What happened: alerts, calls, incidents and their revisions, and the names that stand apart.
--
-- The daemon's follower writes here what is already durable in its node's journal, in the order of
-- positions (node, epoch, number), in batches whose last act is to move the node's cursor. The key of
-- every row is its position, never a sender's id: nothing that was receipted can conflict, and a
-- batch that comes twice changes nothing. No row refers to the registry or the territory: what
-- happened stays as it was when people, sites and centres go.

CREATE DOMAIN node_name AS text COLLATE "C" CHECK (VALUE ~ '^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$');
COMMENT ON DOMAIN node_name IS 'A node of the service, as in its configuration.';

CREATE TABLE node_cursor (
	node     node_name PRIMARY KEY,
	epoch    bigint NOT NULL CHECK (epoch >= 0),
	number   bigint NOT NULL CHECK (number >= 0),
	moved_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE node_cursor IS
	'How far each node''s records are in this database; moved in the transaction that brings the rows. '
	'A daemon reads it at every connection and goes on from there, also when the database is an older one restored.';

CREATE TABLE alerts (
	node        text COLLATE "C" NOT NULL,
	epoch       bigint NOT NULL,
	number      bigint NOT NULL,
	ordinal     smallint NOT NULL DEFAULT 0,
	alert       uuid NOT NULL,
	department  text COLLATE "C" NOT NULL,
	incident    uuid,
	source      uuid,
	ref         text COLLATE "C" NOT NULL DEFAULT '',
	kind        text COLLATE "C" NOT NULL,
	exercise    boolean NOT NULL,
	doubts      integer NOT NULL,
	received_at timestamptz NOT NULL,
	occurred_at timestamptz,
	lat         latitude,
	lon         longitude,
	accuracy_m  double precision CHECK (accuracy_m >= 0),
	fixed_at    timestamptz,
	method      text NOT NULL DEFAULT '',
	commune     text COLLATE "C" NOT NULL DEFAULT '',
	PRIMARY KEY (node, epoch, number, ordinal),
	CHECK (num_nulls(lat, lon) IN (0, 2)),
	CHECK (kind IN ('unknown', 'panic', 'duress', 'silent', 'medical', 'relay', 'call', 'intrusion',
		'tamper', 'battery', 'link', 'test', 'cancel', 'position'))
);
COMMENT ON TABLE alerts IS 'What a source said, once; a repeat with the same id and content is counted on its incident, not here.';
COMMENT ON COLUMN alerts.alert IS 'tocsin''s own id of it.';
COMMENT ON COLUMN alerts.incident IS 'The incident that it raised or joined; none for a plain test or link report.';
COMMENT ON COLUMN alerts.source IS 'A registered source at that time.';
COMMENT ON COLUMN alerts.ref IS 'The sender''s id of it: never unique, senders reuse theirs.';
COMMENT ON COLUMN alerts.doubts IS 'What could not be read for certain; bits as in daemon/decide/alert.h, enum alert_doubt.';
COMMENT ON COLUMN alerts.occurred_at IS 'As the sender says, right or wrong.';
CREATE INDEX alerts_incident ON alerts (incident) WHERE incident IS NOT NULL;
CREATE INDEX alerts_received ON alerts USING brin (received_at);

CREATE TABLE alert_words (
	node          text COLLATE "C" NOT NULL,
	epoch         bigint NOT NULL,
	number        bigint NOT NULL,
	ordinal       smallint NOT NULL DEFAULT 0,
	department    text COLLATE "C" NOT NULL,
	incident      uuid,
	caller        text NOT NULL DEFAULT '',
	rpps          bigint,
	person_name   text NOT NULL DEFAULT '',
	person_number text NOT NULL DEFAULT '',
	address       text NOT NULL DEFAULT '',
	note          text NOT NULL DEFAULT '',
	retain_until  date NOT NULL,
	legal_hold    boolean NOT NULL DEFAULT false,
	PRIMARY KEY (node, epoch, number, ordinal)
);
COMMENT ON TABLE alert_words IS 'The words of an alert that may name somebody, apart from it so that they can end on their day.';
COMMENT ON COLUMN alert_words.caller IS 'The number of a registered caller as the source spelt it; nobody else''s is ever stored.';
COMMENT ON COLUMN alert_words.person_name IS 'Whom a regulator named, as spelt.';
COMMENT ON COLUMN alert_words.retain_until IS 'Deleted after this day (departments.names_kept_days) unless legal_hold.';
COMMENT ON COLUMN alert_words.legal_hold IS 'Kept for a procedure (Code de procédure pénale), until an authority lifts it.';
CREATE INDEX alert_words_incident ON alert_words (incident) WHERE incident IS NOT NULL;
CREATE INDEX alert_words_end ON alert_words (retain_until) WHERE NOT legal_hold;

CREATE TABLE calls (
	node         text COLLATE "C" NOT NULL,
	epoch        bigint NOT NULL,
	number       bigint NOT NULL,
	ordinal      smallint NOT NULL DEFAULT 0,
	alert        uuid NOT NULL,
	department   text COLLATE "C" NOT NULL,
	incident     uuid,
	phase        text COLLATE "C" NOT NULL CHECK (phase IN ('presented', 'answered', 'ended', 'abandoned')),
	presented_to text COLLATE "C" NOT NULL,
	line         text NOT NULL DEFAULT '',
	agent        text NOT NULL DEFAULT '',
	at           timestamptz NOT NULL,
	PRIMARY KEY (node, epoch, number, ordinal)
);
COMMENT ON TABLE calls IS
	'Phases of calls to the 17 whose number matched a registered person with consent for the centre. '
	'A caller who is not registered leaves no row anywhere (domain: consent).';
CREATE INDEX calls_incident ON calls (incident) WHERE incident IS NOT NULL;

CREATE TABLE incidents (
	incident        uuid PRIMARY KEY,
	node            text COLLATE "C" NOT NULL,
	epoch           bigint NOT NULL,
	number          bigint NOT NULL,
	ordinal         smallint NOT NULL,
	revision        integer NOT NULL CHECK (revision > 0),
	department      text COLLATE "C" NOT NULL,
	priority        smallint NOT NULL CHECK (priority BETWEEN 1 AND 4),
	kind            text COLLATE "C" NOT NULL,
	state           text COLLATE "C" NOT NULL CHECK (state IN ('open', 'taken', 'engaged', 'closed')),
	exercise        boolean NOT NULL,
	raised_at       timestamptz NOT NULL,
	updated_at      timestamptz NOT NULL,
	renewed_at      timestamptz,
	owner           text COLLATE "C" NOT NULL,
	centres         text[] NOT NULL,
	practitioners   uuid[] NOT NULL,
	related         uuid[] NOT NULL,
	reasons         text[] NOT NULL,
	lat             latitude,
	lon             longitude,
	accuracy_m      double precision,
	place_origin    text COLLATE "C" NOT NULL,
	place_precision text COLLATE "C" NOT NULL,
	commune         text COLLATE "C" NOT NULL DEFAULT '',
	alerts_total    bigint NOT NULL CHECK (alerts_total >= 0),
	disposition     text COLLATE "C" NOT NULL DEFAULT ''
);
COMMENT ON TABLE incidents IS 'The latest revision of each incident. Keyed by tocsin''s own id; its position says which revision it is.';
COMMENT ON COLUMN incidents.owner IS 'The one centre that it belongs to.';
COMMENT ON COLUMN incidents.centres IS 'Other centres with their roles, as "corg-77:informed".';
COMMENT ON COLUMN incidents.practitioners IS 'Ids only: names stand in incident_names, and end on their day.';
COMMENT ON COLUMN incidents.reasons IS 'Codes of the rules that decided, as daemon/decide/reason.c spells them, without their details.';
COMMENT ON COLUMN incidents.disposition IS 'How it was closed.';
CREATE INDEX incidents_open ON incidents (department, priority, raised_at) WHERE state <> 'closed';
CREATE INDEX incidents_raised ON incidents (department, raised_at);

CREATE TABLE revisions (
	node          text COLLATE "C" NOT NULL,
	epoch         bigint NOT NULL,
	number        bigint NOT NULL,
	ordinal       smallint NOT NULL DEFAULT 0,
	incident      uuid NOT NULL,
	revision      integer NOT NULL,
	department    text COLLATE "C" NOT NULL,
	at            timestamptz NOT NULL,
	priority      smallint NOT NULL,
	kind          text COLLATE "C" NOT NULL,
	state         text COLLATE "C" NOT NULL,
	owner         text COLLATE "C" NOT NULL,
	centres       text[] NOT NULL,
	practitioners uuid[] NOT NULL,
	reasons       text[] NOT NULL,
	alerts_total  bigint NOT NULL,
	PRIMARY KEY (node, epoch, number, ordinal)
);
COMMENT ON TABLE revisions IS 'Every state that an incident was in, with the ids of persons and never their names.';
CREATE INDEX revisions_incident ON revisions (incident);

CREATE TABLE incident_names (
	node         text COLLATE "C" NOT NULL,
	epoch        bigint NOT NULL,
	number       bigint NOT NULL,
	ordinal      smallint NOT NULL DEFAULT 0,
	department   text COLLATE "C" NOT NULL,
	incident     uuid NOT NULL,
	practitioner uuid,
	name         text NOT NULL,
	specialty    text NOT NULL DEFAULT '',
	phone        text NOT NULL DEFAULT '',
	retain_until date NOT NULL,
	legal_hold   boolean NOT NULL DEFAULT false,
	PRIMARY KEY (node, epoch, number, ordinal)
);
COMMENT ON TABLE incident_names IS 'Who an incident was about, as the registry or a regulator named them then. Apart, so that names can end on their day.';
COMMENT ON COLUMN incident_names.practitioner IS 'None for a person who is not registered.';
COMMENT ON COLUMN incident_names.retain_until IS 'Deleted after this day (departments.names_kept_days) unless legal_hold.';
COMMENT ON COLUMN incident_names.legal_hold IS 'Kept for a procedure (Code de procédure pénale), until an authority lifts it.';
CREATE INDEX incident_names_incident ON incident_names (incident);
CREATE INDEX incident_names_end ON incident_names (retain_until) WHERE NOT legal_hold;

CREATE FUNCTION names_end(department text, received timestamptz) RETURNS date
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN (received AT TIME ZONE 'UTC')::date
		+ coalesce((SELECT d.names_kept_days FROM departments d WHERE d.code = department), 2192);
COMMENT ON FUNCTION names_end IS 'The last day of names that came with something received then.';

CREATE TABLE set_aside (
	node     text COLLATE "C" NOT NULL,
	epoch    bigint NOT NULL,
	number   bigint NOT NULL,
	record   bytea NOT NULL,
	sqlstate text NOT NULL,
	reason   text NOT NULL,
	at       timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (node, epoch, number)
);
COMMENT ON TABLE set_aside IS
	'Records that this database refused, whole as the journal holds them, so that one bad record never '
	'stops those behind it and is never lost. Any row here wants a person''s look.';

REVOKE ALL ON node_cursor, alerts, alert_words, calls, incidents, revisions, incident_names, set_aside FROM PUBLIC;
REVOKE ALL ON FUNCTION names_end(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION names_end(text, timestamptz) TO tocsin_daemon;
GRANT SELECT, INSERT, UPDATE ON node_cursor, incidents TO tocsin_daemon;
GRANT SELECT, INSERT ON alerts, calls, revisions TO tocsin_daemon;
GRANT INSERT ON alert_words, incident_names, set_aside TO tocsin_daemon;
GRANT SELECT ON alerts, calls, incidents, revisions TO tocsin_report;
GRANT SELECT (node, epoch, number, sqlstate, at) ON set_aside TO tocsin_report;
