-- The registry: people who asked to be recognised, where they work, how they call, what they carry.
--
-- A number is registered at the person's own request, per recipient centre, and can be withdrawn at
-- any time (departmental protocol, art. 5; Regulation (EU) 2016/679, art. 6 (1) a and 7 (3)). The
-- tools write here as tocsin_registry; the daemon reads it whole at its start and then the changes.

CREATE TABLE practitioners (
	id            uuid7 PRIMARY KEY,
	department    department_code NOT NULL REFERENCES departments,
	name          named NOT NULL,
	profession    named NOT NULL,
	specialty     one_line NOT NULL DEFAULT '',
	rpps          rpps_number,
	exposed       one_line NOT NULL DEFAULT '',
	registered_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (department, id),
	UNIQUE (department, rpps)
);
COMMENT ON TABLE practitioners IS
	'A registration. A person who withdraws whole is deleted; what happened keeps the id, and names there end on their own day.';
COMMENT ON COLUMN practitioners.id IS 'Made by the tool that registers.';
COMMENT ON COLUMN practitioners.rpps IS 'Where the person has one. One registration of a person in a department.';
COMMENT ON COLUMN practitioners.exposed IS 'The reason of the "exposed" mark, shown to dispatchers; empty when there is no mark.';

CREATE TABLE sites (
	id         uuid7 PRIMARY KEY,
	department department_code NOT NULL REFERENCES departments,
	kind       text NOT NULL DEFAULT 'surgery' CHECK (kind IN
		('surgery', 'health-centre', 'on-call-house', 'pharmacy', 'laboratory', 'hospital', 'home', 'other')),
	label      named NOT NULL,
	address    one_line NOT NULL CHECK (address <> '' AND octet_length(address) < 200),
	access     one_line NOT NULL DEFAULT '',
	commune    insee_code NOT NULL,
	lat        latitude,
	lon        longitude,
	precision  text NOT NULL DEFAULT 'commune' CHECK (precision IN ('commune', 'address', 'exact')),
	exposed    one_line NOT NULL DEFAULT '',
	UNIQUE (department, id),
	CHECK (num_nulls(lat, lon) IN (0, 2)),
	CHECK (lat IS NOT NULL OR precision = 'commune')
);
COMMENT ON TABLE sites IS 'A place of practice.';
COMMENT ON COLUMN sites.department IS 'Who keeps this row. The place itself may lie beyond the border: its commune says where.';
COMMENT ON COLUMN sites.access IS 'How to get in: entrance, floor, code of the gate.';
COMMENT ON COLUMN sites.commune IS 'No reference to communes: a neighbour''s commune may be in no table of ours. The import reports unknown ones.';
COMMENT ON COLUMN sites.precision IS 'What the point stands for: the commune alone, the address, the very door.';

CREATE TABLE site_hours (
	site       uuid NOT NULL,
	department department_code NOT NULL,
	weekday    smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
	opens      time NOT NULL,
	closes     time NOT NULL,
	PRIMARY KEY (site, weekday, opens),
	FOREIGN KEY (department, site) REFERENCES sites (department, id) ON DELETE CASCADE,
	CHECK (opens <> closes)
);
COMMENT ON TABLE site_hours IS 'Opening hours in local time. Closing earlier than opening: the next day, as on-call houses do.';
COMMENT ON COLUMN site_hours.weekday IS 'ISO 8601: 1 is Monday.';

CREATE TABLE practitioner_sites (
	practitioner uuid NOT NULL,
	site         uuid NOT NULL,
	department   department_code NOT NULL,
	place        smallint NOT NULL CHECK (place BETWEEN 1 AND 16),
	PRIMARY KEY (practitioner, site),
	UNIQUE (practitioner, place) DEFERRABLE INITIALLY DEFERRED,
	FOREIGN KEY (department, practitioner) REFERENCES practitioners (department, id) ON DELETE CASCADE,
	FOREIGN KEY (department, site) REFERENCES sites (department, id)
);
COMMENT ON TABLE practitioner_sites IS 'Where a person practises.';
COMMENT ON COLUMN practitioner_sites.place IS 'Order: 1 is the main site, where a call is presumed to come from. At most 16.';
CREATE INDEX practitioner_sites_site ON practitioner_sites (site);

CREATE TABLE staff (
	id         uuid7 PRIMARY KEY,
	site       uuid NOT NULL,
	department department_code NOT NULL,
	name       named NOT NULL,
	role       named NOT NULL,
	number     e164,
	FOREIGN KEY (department, site) REFERENCES sites (department, id) ON DELETE CASCADE
);
COMMENT ON TABLE staff IS 'Who else works at a site and may have pressed its button.';
CREATE INDEX staff_site ON staff (site);

CREATE TABLE numbers (
	practitioner uuid NOT NULL,
	department   department_code NOT NULL,
	number       e164 NOT NULL,
	place        smallint NOT NULL CHECK (place BETWEEN 1 AND 16),
	label        one_line NOT NULL DEFAULT '',
	shared       boolean NOT NULL,
	verified_at  timestamptz,
	PRIMARY KEY (practitioner, number),
	UNIQUE (practitioner, place) DEFERRABLE INITIALLY DEFERRED,
	FOREIGN KEY (department, practitioner) REFERENCES practitioners (department, id) ON DELETE CASCADE
);
COMMENT ON TABLE numbers IS 'Telephone numbers of registered persons.';
COMMENT ON COLUMN numbers.place IS 'Order, as the person gave them. At most 16.';
COMMENT ON COLUMN numbers.shared IS 'A surgery''s line: several persons call from it, all are shown and none is chosen.';
COMMENT ON COLUMN numbers.verified_at IS 'When somebody last called it and the person answered.';
CREATE UNIQUE INDEX numbers_own ON numbers (department, number) WHERE NOT shared;
COMMENT ON INDEX numbers_own IS 'An own number is one person''s.';
CREATE INDEX numbers_number ON numbers (number);

CREATE TABLE consents (
	practitioner uuid NOT NULL,
	department   department_code NOT NULL,
	centre       centre_code NOT NULL REFERENCES centres,
	given_at     timestamptz NOT NULL,
	evidence     one_line NOT NULL CHECK (evidence <> ''),
	withdrawn_at timestamptz CHECK (withdrawn_at >= given_at),
	PRIMARY KEY (practitioner, centre, given_at),
	FOREIGN KEY (department, practitioner) REFERENCES practitioners (department, id) ON DELETE CASCADE
);
COMMENT ON TABLE consents IS 'Who asked to be recognised by which centre: one that was withdrawn stays written, and counts no more.';
COMMENT ON COLUMN consents.centre IS 'The recipient; may be another department''s.';
COMMENT ON COLUMN consents.evidence IS 'What proves it: the signed form''s reference, never the form itself.';
COMMENT ON COLUMN consents.withdrawn_at IS 'From the moment that this is written the number is no longer recognised there, whatever the time says.';
CREATE UNIQUE INDEX consents_standing ON consents (practitioner, centre) WHERE withdrawn_at IS NULL;
COMMENT ON INDEX consents_standing IS 'At most one consent stands per person and centre.';

CREATE TABLE sources (
	id               uuid7 PRIMARY KEY,
	department       department_code NOT NULL REFERENCES departments,
	name             named NOT NULL CHECK (octet_length(name) <= 63),
	kind             text NOT NULL CHECK (kind IN
		('device', 'button', 'panel', 'regulation', 'exchange', 'platform', 'console')),
	state            text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired', 'revoked')),
	has_panic_button boolean NOT NULL,
	owner            uuid,
	site             uuid,
	centre           centre_code REFERENCES centres,
	issuer           one_line NOT NULL DEFAULT '',
	subject          one_line NOT NULL DEFAULT '',
	supervision_s    integer NOT NULL DEFAULT 0 CHECK (supervision_s = 0 OR supervision_s BETWEEN 10 AND 604800),
	registered_at    timestamptz NOT NULL DEFAULT now(),
	UNIQUE (department, name),
	FOREIGN KEY (department, owner) REFERENCES practitioners (department, id) ON DELETE SET NULL (owner),
	FOREIGN KEY (department, site) REFERENCES sites (department, id),
	CONSTRAINT sources_certificate CHECK ((issuer = '') = (subject = '')),
	CONSTRAINT sources_owner CHECK (owner IS NULL OR kind IN ('device', 'button', 'panel')),
	CONSTRAINT sources_site CHECK (site IS NULL OR kind IN ('device', 'button', 'panel')),
	CONSTRAINT sources_centre CHECK (CASE kind
		WHEN 'console' THEN centre IS NOT NULL
		WHEN 'exchange' THEN true
		ELSE centre IS NULL END),
	CONSTRAINT sources_console CHECK (kind <> 'console' OR subject <> ''),
	CONSTRAINT sources_panic CHECK (NOT has_panic_button OR kind IN ('device', 'button', 'panel', 'platform'))
);
COMMENT ON TABLE sources IS 'What may speak to tocsin: devices, buttons, panels, regulation desks, exchanges, platforms, consoles.';
COMMENT ON COLUMN sources.name IS 'As people call it, unique in its department.';
COMMENT ON COLUMN sources.state IS 'Retired: no longer in use, its certificate may serve a successor. Revoked: refused at the door.';
COMMENT ON COLUMN sources.has_panic_button IS 'What it sends and cannot be read might be a panic (rule 1).';
COMMENT ON COLUMN sources.owner IS 'Whose it is. Emptied when the person withdraws: the device still alarms, without a name.';
COMMENT ON COLUMN sources.site IS 'Where it is fixed.';
COMMENT ON COLUMN sources.centre IS 'Of consoles: whose incidents they show. Of exchanges: whose calls they present, if one''s alone.';
COMMENT ON COLUMN sources.subject IS 'With issuer, the certificate''s names (RFC 2253), so that a renewal needs no change. Empty: it has none.';
COMMENT ON COLUMN sources.supervision_s IS 'Longest silence in seconds (trade classes, EN 50136: 20, 90, 180, 1800, 90000); 0: not supervised.';
CREATE UNIQUE INDEX sources_identity ON sources (issuer, subject) WHERE state <> 'retired' AND subject <> '';
COMMENT ON INDEX sources_identity IS 'A certificate speaks for one source. A revoked one keeps its names, so that it stays refused.';
CREATE INDEX sources_owner_index ON sources (owner) WHERE owner IS NOT NULL;
CREATE INDEX sources_site_index ON sources (site) WHERE site IS NOT NULL;

CREATE FUNCTION consents_bounded() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT count(*) FROM consents WHERE practitioner = NEW.practitioner AND withdrawn_at IS NULL) > 16 THEN
		RAISE EXCEPTION 'practitioner % has more than 16 standing consents', NEW.practitioner
			USING ERRCODE = 'check_violation', CONSTRAINT = 'consents_bounded';
	END IF;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION consents_bounded IS 'A daemon holds 16 consents a person in memory; numbers and sites are bounded by their place.';
CREATE TRIGGER bounded AFTER INSERT OR UPDATE ON consents
	FOR EACH ROW WHEN (NEW.withdrawn_at IS NULL) EXECUTE FUNCTION consents_bounded();

-- Changes -----------------------------------------------------------------------------------------

CREATE TABLE registry_version (
	one        boolean PRIMARY KEY DEFAULT true CHECK (one),
	version    bigint NOT NULL DEFAULT 0 CHECK (version >= 0),
	floor      bigint NOT NULL DEFAULT 0 CHECK (floor BETWEEN 0 AND version),
	xact       xid8 NOT NULL DEFAULT '0',
	changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE registry_version IS
	'One row. A transaction that changes the registry moves the version once and holds the row until it '
	'commits: writers queue, versions are committed in their order, and a reader that takes the version '
	'and the changes up to it in one snapshot can miss none.';
COMMENT ON COLUMN registry_version.floor IS 'Changes after this version are all in registry_change; a reader that is older loads everything again.';
INSERT INTO registry_version DEFAULT VALUES;

CREATE TABLE registry_change (
	version bigint NOT NULL,
	entity  text COLLATE "C" NOT NULL CHECK (entity IN ('practitioner', 'site', 'source')),
	id      uuid NOT NULL,
	at      timestamptz NOT NULL,
	PRIMARY KEY (version, entity, id)
);
COMMENT ON TABLE registry_change IS
	'What changed in which version: read the entity again by its id, and drop it when it is no longer '
	'there. Written by triggers alone; ten thousand versions are kept.';
COMMENT ON COLUMN registry_change.at IS
	'The same for all rows of a version. A reader that finds another time at the version it knows looks '
	'at a database that was restored, and loads everything again.';

CREATE FUNCTION registry_changed() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	now_at   timestamptz;
	moved    bigint;
	kept     CONSTANT bigint := 10000;
	entity   CONSTANT text := TG_ARGV[0];
	id_field CONSTANT text := TG_ARGV[1];
BEGIN
	-- A statement that touched no row changed nothing. Nested, because each operation has its own
	-- transition tables and an expression is planned whole.
	IF TG_OP = 'INSERT' THEN
		IF NOT EXISTS (SELECT FROM new_rows) THEN
			RETURN NULL;
		END IF;
	ELSIF NOT EXISTS (SELECT FROM old_rows) THEN
		RETURN NULL;
	END IF;
	SELECT version, changed_at INTO moved, now_at FROM registry_version WHERE xact = pg_current_xact_id();
	IF NOT FOUND THEN
		UPDATE registry_version
			SET version = version + 1, xact = pg_current_xact_id(), changed_at = clock_timestamp(),
				floor = greatest(floor, version + 1 - kept)
			RETURNING version, changed_at INTO STRICT moved, now_at;
		DELETE FROM registry_change WHERE version <= moved - kept;
		PERFORM pg_notify('tocsin_registry', moved::text);
	END IF;
	IF TG_OP <> 'INSERT' THEN
		EXECUTE format('INSERT INTO registry_change SELECT DISTINCT $1, $2, o.%I, $3 FROM old_rows o '
			'ON CONFLICT DO NOTHING', id_field) USING moved, entity, now_at;
	END IF;
	IF TG_OP <> 'DELETE' THEN
		EXECUTE format('INSERT INTO registry_change SELECT DISTINCT $1, $2, n.%I, $3 FROM new_rows n '
			'ON CONFLICT DO NOTHING', id_field) USING moved, entity, now_at;
	END IF;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION registry_changed IS
	'After each statement that changes the registry: notes who changed and tells the daemons. Arguments: the entity and the column with its id.';

DO $$
DECLARE
	t record;
BEGIN
	FOR t IN SELECT * FROM (VALUES
			('practitioners', 'practitioner', 'id'),
			('numbers', 'practitioner', 'practitioner'),
			('practitioner_sites', 'practitioner', 'practitioner'),
			('consents', 'practitioner', 'practitioner'),
			('sites', 'site', 'id'),
			('sources', 'source', 'id')) AS v (name, entity, id_field) LOOP
		EXECUTE format('CREATE TRIGGER changed_by_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows '
			'FOR EACH STATEMENT EXECUTE FUNCTION registry_changed(%L, %L)', t.name, t.entity, t.id_field);
		EXECUTE format('CREATE TRIGGER changed_by_update AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows '
			'NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION registry_changed(%L, %L)',
			t.name, t.entity, t.id_field);
		EXECUTE format('CREATE TRIGGER changed_by_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows '
			'FOR EACH STATEMENT EXECUTE FUNCTION registry_changed(%L, %L)', t.name, t.entity, t.id_field);
		EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT '
			'EXECUTE FUNCTION refuse_change(%L)', t.name, 'Daemons would not hear of it: use DELETE.');
	END LOOP;
END $$;

DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['practitioners', 'sites', 'site_hours', 'practitioner_sites', 'staff',
			'numbers', 'consents', 'sources'] LOOP
		EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', name);
		EXECUTE format('GRANT SELECT ON %I TO tocsin_daemon', name);
		EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO tocsin_registry', name);
	END LOOP;
END $$;

REVOKE ALL ON FUNCTION registry_changed(), consents_bounded() FROM PUBLIC;
REVOKE ALL ON registry_version, registry_change FROM PUBLIC;
GRANT SELECT ON registry_version, registry_change TO tocsin_daemon, tocsin_registry;
-- A report counts people and devices; it reads neither names, numbers, addresses nor reasons.
GRANT SELECT (id, department, profession, specialty, registered_at) ON practitioners TO tocsin_report;
GRANT SELECT (id, department, kind, commune, precision) ON sites TO tocsin_report;
GRANT SELECT (practitioner, site, department, place) ON practitioner_sites TO tocsin_report;
GRANT SELECT (practitioner, department, centre, given_at, withdrawn_at) ON consents TO tocsin_report;
GRANT SELECT (id, department, kind, state, has_panic_button, site, supervision_s, registered_at) ON sources TO tocsin_report;
