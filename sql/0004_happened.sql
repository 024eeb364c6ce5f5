-- What happened: alerts, calls, incidents and their revisions, and the names that stand apart.
--
-- The daemon's follower writes here what is already durable in its node's journal, in the order of
-- positions (node, epoch, number), in batches that move the node's cursor in the same transaction.
-- The key of every row is its position, never a sender's id: nothing that was receipted can conflict,
-- and a batch that comes twice changes nothing. No row refers to the registry or the territory: what
-- happened stays as it was when people, sites and centres go. Indexes are few: a report may take its
-- time, the follower may not.

CREATE TABLE node_cursor (
	node     integer PRIMARY KEY CHECK (node > 0),
	epoch    bigint NOT NULL CHECK (epoch >= 0),
	number   bigint NOT NULL CHECK (number >= 0),
	moved_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE node_cursor IS
	'How far each node''s records are in this database. A daemon reads it at every connection and goes '
	'on from there, also when the database is an older one that was restored.';

CREATE FUNCTION cursor_move(of_node integer, from_epoch bigint, from_number bigint, to_epoch bigint, to_number bigint)
	RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	INSERT INTO node_cursor (node, epoch, number) VALUES (of_node, 0, 0) ON CONFLICT DO NOTHING;
	UPDATE node_cursor SET epoch = to_epoch, number = to_number, moved_at = clock_timestamp()
		WHERE node = of_node AND (epoch, number) = (from_epoch, from_number)
			AND (to_epoch, to_number) >= (from_epoch, from_number);
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the cursor of node % is not at %:%', of_node, from_epoch, from_number
			USING ERRCODE = 'TC001', HINT = 'Another connection of the same node moved it: read it again.';
	END IF;
END $$;
COMMENT ON FUNCTION cursor_move IS
	'The first statement of each batch: moves the cursor from where the daemon saw it, or fails (TC001). So '
	'a backend that was given up and commits late, or a second daemon with the same node number, can '
	'neither double a batch nor lay an old state over a new one. 0:0 is before the first record.';

CREATE TABLE alerts (
	node        integer NOT NULL,
	epoch       bigint NOT NULL,
	number      bigint NOT NULL,
	alert       uuid NOT NULL,
	department  text COLLATE "C" NOT NULL,
	incident    uuid,
	source      uuid,
	ref         text COLLATE "C" NOT NULL,
	kind        text COLLATE "C" NOT NULL CHECK (kind IN
		('unknown', 'panic', 'duress', 'silent', 'medical', 'relay', 'call', 'intrusion', 'tamper',
		'battery', 'link', 'test', 'cancel', 'position')),
	priority    smallint NOT NULL,
	exercise    boolean NOT NULL,
	doubts      integer NOT NULL,
	received_at timestamptz NOT NULL,
	occurred_at timestamptz,
	lat         latitude,
	lon         longitude,
	accuracy_m  real,
	fixed_at    timestamptz,
	method      text,
	commune     text COLLATE "C",
	PRIMARY KEY (node, epoch, number),
	CHECK (num_nulls(lat, lon) IN (0, 2))
);
COMMENT ON TABLE alerts IS
	'What a source said, once; a repeat with the same id and content is not kept again. Each phase of a call is one.';
COMMENT ON COLUMN alerts.alert IS 'tocsin''s own id of it.';
COMMENT ON COLUMN alerts.incident IS 'The incident that it raised or joined; none for a plain test or link report.';
COMMENT ON COLUMN alerts.source IS 'Registered at that time.';
COMMENT ON COLUMN alerts.ref IS 'The sender''s id of it: never unique, senders use theirs again.';
COMMENT ON COLUMN alerts.doubts IS 'What could not be read for certain; bits as in daemon/decide/alert.h, enum alert_doubt.';
COMMENT ON COLUMN alerts.occurred_at IS 'As the sender says, right or wrong.';
COMMENT ON COLUMN alerts.commune IS 'As the sender says.';
CREATE INDEX alerts_incident ON alerts (incident) WHERE incident IS NOT NULL;

CREATE TABLE calls (
	node         integer NOT NULL,
	epoch        bigint NOT NULL,
	number       bigint NOT NULL,
	alert        uuid NOT NULL,
	department   text COLLATE "C" NOT NULL,
	incident     uuid,
	phase        text COLLATE "C" NOT NULL CHECK (phase IN ('presented', 'answered', 'ended', 'abandoned')),
	presented_to text COLLATE "C" NOT NULL,
	line         text NOT NULL,
	agent        text NOT NULL,
	at           timestamptz NOT NULL,
	PRIMARY KEY (node, epoch, number)
);
COMMENT ON TABLE calls IS
	'Phases of calls to the 17 whose number matched a registered person with consent for the centre. A '
	'caller who is not registered leaves no row anywhere: the number was never given to us.';
CREATE INDEX calls_incident ON calls (incident) WHERE incident IS NOT NULL;

-- The shape of incidents and revisions follows the journal's groups of fields (proto/journal.proto).

CREATE TABLE revisions (
	node          integer NOT NULL,
	epoch         bigint NOT NULL,
	number        bigint NOT NULL,
	ordinal       smallint NOT NULL,
	incident      uuid NOT NULL,
	revision      bigint NOT NULL,
	at            timestamptz NOT NULL,
	department    text COLLATE "C" NOT NULL,
	owner         text COLLATE "C" NOT NULL,
	state         text COLLATE "C" NOT NULL,
	priority      smallint NOT NULL,
	kind          text COLLATE "C" NOT NULL,
	level         smallint,
	practitioners uuid[],
	centres       text[] COLLATE "C",
	reasons       text[] COLLATE "C",
	commune       text COLLATE "C",
	alerts_total  bigint,
	PRIMARY KEY (node, epoch, number, ordinal)
);
COMMENT ON TABLE revisions IS
	'What each record changed in its incidents, with the ids of persons and never their names. Null from level on: unchanged.';
COMMENT ON COLUMN revisions.ordinal IS 'Of several incidents that one record changed, from 0.';
COMMENT ON COLUMN revisions.revision IS 'As consoles saw it; a change that they do not see bears the one before.';
CREATE INDEX revisions_incident ON revisions (incident);

CREATE TABLE incidents (
	incident      uuid PRIMARY KEY,
	node          integer NOT NULL,
	epoch         bigint NOT NULL,
	number        bigint NOT NULL,
	revision      bigint NOT NULL,
	updated_at    timestamptz,
	department    text COLLATE "C" NOT NULL,
	owner         text COLLATE "C" NOT NULL,
	state         text COLLATE "C" NOT NULL CHECK (state IN ('open', 'taken', 'engaged', 'closed')),
	priority      smallint NOT NULL CHECK (priority BETWEEN 1 AND 4),
	kind          text COLLATE "C" NOT NULL,
	raised_at     timestamptz,
	exercise      boolean,
	source        uuid,
	level         smallint,
	renewed_at    timestamptz,
	taken_by      text,
	taken_at      text COLLATE "C",
	taken_since   timestamptz,
	disposition   text COLLATE "C",
	cancels       bigint,
	contact       text COLLATE "C",
	offered_to    text COLLATE "C",
	practitioners uuid[],
	origin        text COLLATE "C",
	precision     text COLLATE "C",
	lat           latitude,
	lon           longitude,
	accuracy_m    real,
	fixed_at      timestamptz,
	method        text,
	commune       text COLLATE "C",
	centres       text[] COLLATE "C",
	reasons       text[] COLLATE "C",
	related       uuid[],
	alerts_total  bigint
) WITH (fillfactor = 70);
COMMENT ON TABLE incidents IS
	'Each incident as it is now; its position is that of the newest record in it. Null in what every '
	'incident has: it was raised before the first record that this database holds.';
COMMENT ON COLUMN incidents.taken_by IS 'The operator who took it.';
COMMENT ON COLUMN incidents.taken_at IS 'The operator''s centre.';
COMMENT ON COLUMN incidents.disposition IS 'How it was closed.';
COMMENT ON COLUMN incidents.cancels IS 'Requests to cancel: shown and counted, they close nothing.';
COMMENT ON COLUMN incidents.practitioners IS 'Ids only: names stand in incident_names, and end on their day.';
COMMENT ON COLUMN incidents.owner IS 'The one centre that it belongs to.';
COMMENT ON COLUMN incidents.centres IS 'All centres with their roles, as "corg-77:informed".';
COMMENT ON COLUMN incidents.reasons IS 'Codes of the rules that decided and of the doubts, as daemon/decide/reason.h names them.';
CREATE INDEX incidents_open ON incidents (department, priority, raised_at) WHERE state <> 'closed';

CREATE TABLE incident_names (
	node         integer NOT NULL,
	epoch        bigint NOT NULL,
	number       bigint NOT NULL,
	ordinal      smallint NOT NULL,
	incident     uuid NOT NULL,
	department   text COLLATE "C" NOT NULL,
	practitioner uuid,
	name         text NOT NULL,
	specialty    text NOT NULL,
	phone        text COLLATE "C",
	exposed      text NOT NULL,
	retain_until date NOT NULL,
	legal_hold   boolean NOT NULL DEFAULT false,
	PRIMARY KEY (node, epoch, number, ordinal)
);
COMMENT ON TABLE incident_names IS
	'Who an incident was about, as the registry or a regulator named them then. Apart, so that names can end on their day.';
COMMENT ON COLUMN incident_names.practitioner IS 'None for a person who is not registered.';
COMMENT ON COLUMN incident_names.retain_until IS 'Deleted after this day (departments.names_kept_days) unless legal_hold.';
COMMENT ON COLUMN incident_names.legal_hold IS 'Kept for a procedure, until the authority that asked lifts it.';
CREATE INDEX incident_names_incident ON incident_names (incident);

CREATE TABLE words (
	node          integer NOT NULL,
	epoch         bigint NOT NULL,
	number        bigint NOT NULL,
	ordinal       smallint NOT NULL,
	incident      uuid,
	department    text COLLATE "C" NOT NULL,
	caller        text,
	rpps          bigint,
	person_name   text,
	person_number text,
	address       text,
	note          text,
	retain_until  date NOT NULL,
	legal_hold    boolean NOT NULL DEFAULT false,
	PRIMARY KEY (node, epoch, number, ordinal)
);
COMMENT ON TABLE words IS
	'What was said in words, which may name anybody: of an alert or an act (ordinal 0), of an incident''s '
	'place (from 1). Apart, so that words can end on their day.';
COMMENT ON COLUMN words.caller IS 'The number as the source spelt it; of calls, only a registered person''s.';
COMMENT ON COLUMN words.rpps IS 'As a regulator gave it, right or wrong.';
COMMENT ON COLUMN words.person_name IS 'Whom a regulator named.';
COMMENT ON COLUMN words.note IS 'Of an alert, or a dispatcher''s; the trail holds its SHA-256.';
COMMENT ON COLUMN words.retain_until IS 'Deleted after this day (departments.names_kept_days) unless legal_hold.';
COMMENT ON COLUMN words.legal_hold IS 'Kept for a procedure, until the authority that asked lifts it.';
CREATE INDEX words_incident ON words (incident) WHERE incident IS NOT NULL;

CREATE TABLE set_aside (
	node     integer NOT NULL,
	epoch    bigint NOT NULL,
	number   bigint NOT NULL,
	record   bytea NOT NULL,
	sqlstate text COLLATE "C" NOT NULL,
	reason   text NOT NULL,
	at       timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (node, epoch, number)
);
COMMENT ON TABLE set_aside IS
	'Records that this database refused, whole as the journal holds them, so that one bad record never '
	'stops those behind it and is never lost. Any row here wants a person''s look.';

-- What a daemon sends: one array of these a statement, so that a row crosses in one piece. A new
-- column of a table is a new type here, and the old one stays as long as older daemons are served.

CREATE TYPE alert_in AS (
	number bigint, alert uuid, department text, incident uuid, source uuid, ref text, kind text,
	priority smallint, exercise boolean, doubts integer, received_at timestamptz, occurred_at timestamptz,
	lat double precision, lon double precision, accuracy_m real, fixed_at timestamptz, method text,
	commune text
);
CREATE TYPE call_in AS (
	number bigint, alert uuid, department text, incident uuid, phase text, presented_to text, line text,
	agent text, at timestamptz
);
CREATE TYPE revision_in AS (
	number bigint, ordinal smallint, incident uuid, revision bigint, at timestamptz, department text,
	owner text, state text, priority smallint, kind text, level smallint, practitioners uuid[],
	centres text[], reasons text[], commune text, alerts_total bigint
);
CREATE TYPE incident_in AS (
	incident uuid, number bigint, revision bigint, updated_at timestamptz, department text, owner text,
	state text, priority smallint, kind text, raised_at timestamptz, exercise boolean, source uuid,
	level smallint, renewed_at timestamptz, taken_by text, taken_at text, taken_since timestamptz,
	disposition text, cancels bigint, contact text, offered_to text, practitioners uuid[], origin text,
	precision text, lat double precision, lon double precision, accuracy_m real, fixed_at timestamptz,
	method text, commune text, centres text[], reasons text[], related uuid[], alerts_total bigint
);
CREATE TYPE name_in AS (
	number bigint, ordinal smallint, incident uuid, department text, at timestamptz, practitioner uuid,
	name text, specialty text, phone text, exposed text
);
CREATE TYPE words_in AS (
	number bigint, ordinal smallint, incident uuid, department text, at timestamptz, caller text,
	rpps bigint, person_name text, person_number text, address text, note text
);
CREATE TYPE act_in AS (
	number bigint, at timestamptz, department text, who text, via text, what text, object text,
	object_id text, detail text, note text
);
CREATE TYPE aside_in AS (number bigint, record bytea, sqlstate text, reason text);

REVOKE ALL ON node_cursor, alerts, calls, revisions, incidents, incident_names, words, set_aside FROM PUBLIC;
REVOKE ALL ON FUNCTION cursor_move(integer, bigint, bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cursor_move(integer, bigint, bigint, bigint, bigint) TO tocsin_daemon;
GRANT SELECT ON node_cursor TO tocsin_daemon, tocsin_report;
GRANT SELECT, INSERT ON alerts, calls, revisions TO tocsin_daemon;
GRANT SELECT, INSERT, UPDATE ON incidents TO tocsin_daemon;
-- It writes names and words and cannot read them back: it holds what it needs in memory.
GRANT INSERT ON incident_names, words, set_aside TO tocsin_daemon;
GRANT SELECT ON revisions TO tocsin_report;
GRANT SELECT (node, epoch, number, alert, department, incident, source, kind, priority, exercise, doubts,
	received_at, occurred_at, commune) ON alerts TO tocsin_report;
GRANT SELECT (node, epoch, number, alert, department, incident, phase, presented_to, at) ON calls TO tocsin_report;
GRANT SELECT (incident, node, epoch, number, revision, updated_at, department, raised_at, exercise, source, kind,
	priority, state, level, renewed_at, taken_at, taken_since, disposition, cancels, contact, offered_to,
	practitioners, owner, centres, origin, precision, commune, reasons, related, alerts_total)
	ON incidents TO tocsin_report;
GRANT SELECT (node, epoch, number, sqlstate, at) ON set_aside TO tocsin_daemon, tocsin_report;
