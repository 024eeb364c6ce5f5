-- The ground: which migrations were applied, who may do what, and the shapes that rows share.
--
-- Every file here is applied once, in order, each in one transaction, by `tocsin db migrate`. A file
-- that was applied is never changed again; what has to change comes as a new file.

DO $$
BEGIN
	IF current_setting('server_encoding') <> 'UTF8' THEN
		RAISE EXCEPTION 'this database is encoded in %, tocsin needs UTF8', current_setting('server_encoding')
			USING HINT = 'Create it with: createdb --encoding=UTF8 --template=template0 tocsin';
	END IF;
END $$;

-- Group roles, without a login: a deployment grants them to the accounts that it creates. They belong
-- to the whole cluster, so that another database may have made them already.
DO $$
DECLARE
	wanted text;
BEGIN
	FOREACH wanted IN ARRAY ARRAY['tocsin_daemon', 'tocsin_registry', 'tocsin_report'] LOOP
		IF EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
			CONTINUE;
		END IF;
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
		EXCEPTION
			WHEN duplicate_object OR unique_violation THEN
				NULL; -- another database's migration was quicker
			WHEN insufficient_privilege THEN
				RAISE EXCEPTION 'role % does not exist and % may not create it', wanted, current_user
					USING HINT = 'As a superuser: CREATE ROLE tocsin_daemon NOLOGIN; '
						'CREATE ROLE tocsin_registry NOLOGIN; CREATE ROLE tocsin_report NOLOGIN; '
						'then migrate again.';
		END;
	END LOOP;
END $$;

CREATE TABLE schema_version (
	number     integer PRIMARY KEY CHECK (number > 0),
	name       text NOT NULL CHECK (name ~ '^[0-9]{4}_[a-z0-9_]+\.sql$'),
	sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
	applied_at timestamptz NOT NULL DEFAULT now(),
	applied_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE schema_version IS 'Migrations that were applied; written by tocsin db migrate alone.';
COMMENT ON COLUMN schema_version.sha256 IS 'Of the file as applied: a file that changed afterwards is refused.';

CREATE TABLE schema_serves (
	one           boolean PRIMARY KEY DEFAULT true CHECK (one),
	oldest_daemon integer NOT NULL CHECK (oldest_daemon > 0)
);
COMMENT ON TABLE schema_serves IS 'One row: how old a daemon may be that writes here.';
COMMENT ON COLUMN schema_serves.oldest_daemon IS
	'A daemon knows migrations up to its own level. One whose level is below this must not write: its '
	'follower stops and says so, and the daemon serves on from memory and journal. A migration that '
	'an older daemon cannot live with raises it.';
INSERT INTO schema_serves (oldest_daemon) VALUES (1);

CREATE VIEW schema_now AS
	SELECT coalesce(max(v.number), 0) AS level, s.oldest_daemon
	FROM schema_serves s LEFT JOIN schema_version v ON true
	GROUP BY s.oldest_daemon;
COMMENT ON VIEW schema_now IS 'What a daemon asks first: the level of this schema and the oldest daemon it serves.';

-- Shapes ------------------------------------------------------------------------------------------

CREATE DOMAIN one_line AS text
	CHECK (VALUE !~ '[\u0001-\u001f\u007f-\u009f]' AND octet_length(VALUE) <= 500);
COMMENT ON DOMAIN one_line IS 'A text without control characters, short enough for a console''s line.';

CREATE DOMAIN named AS text
	CHECK (VALUE !~ '[\u0001-\u001f\u007f-\u009f]' AND VALUE ~ '^\S(.*\S)?$' AND octet_length(VALUE) <= 127);
COMMENT ON DOMAIN named IS 'A name: one line, not empty, no blanks around it, at most 127 bytes (a field of the daemon''s).';

CREATE DOMAIN department_code AS text COLLATE "C"
	CHECK (VALUE ~ '^(0[1-9]|1[0-9]|2[1-9AB]|[3-8][0-9]|9[0-5]|97[1-8]|98[46-9])$');
COMMENT ON DOMAIN department_code IS 'Code officiel géographique (INSEE): 01 to 95 with 2A and 2B, 971 to 978, 984, 986 to 989.';

CREATE DOMAIN insee_code AS text COLLATE "C"
	CHECK (VALUE ~ '^((0[1-9]|1[0-9]|2[1-9AB]|[3-8][0-9]|9[0-5])[0-9]{3}|97[1-8][0-9]{2}|98[46-9][0-9]{2})$');
COMMENT ON DOMAIN insee_code IS 'A commune, Code officiel géographique (INSEE): five characters, Corsica 2A and 2B. Never a postal code.';

CREATE DOMAIN centre_code AS text COLLATE "C" CHECK (VALUE ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' AND octet_length(VALUE) <= 23);
COMMENT ON DOMAIN centre_code IS 'A centre''s id as consoles and programs spell it: cic-77, corg-77.';

CREATE DOMAIN e164 AS text COLLATE "C" CHECK (VALUE ~ '^\+[1-9][0-9]{6,14}$');
COMMENT ON DOMAIN e164 IS 'A telephone number, ITU-T E.164: a plus sign and at most 15 digits, none of them a trunk 0.';

CREATE DOMAIN latitude AS double precision CHECK (VALUE BETWEEN -90 AND 90);
COMMENT ON DOMAIN latitude IS 'WGS84 degrees. NaN is refused: it sorts above 90.';
CREATE DOMAIN longitude AS double precision CHECK (VALUE BETWEEN -180 AND 180);
COMMENT ON DOMAIN longitude IS 'WGS84 degrees. NaN is refused: it sorts above 180.';

CREATE DOMAIN uuid7 AS uuid
	CHECK (get_byte(uuid_send(VALUE), 6) >> 4 = 7 AND get_byte(uuid_send(VALUE), 8) >> 6 = 2);
COMMENT ON DOMAIN uuid7 IS 'RFC 9562, 5.7: made by tocsin, sorts by time.';

CREATE FUNCTION rpps_is_valid(rpps bigint) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN rpps BETWEEN 10000000000 AND 99999999999 AND (
		SELECT sum(CASE WHEN i % 2 = 0 THEN d ELSE d * 2 - CASE WHEN d > 4 THEN 9 ELSE 0 END END) % 10 = 0
		FROM (SELECT i, substr(rpps::text, 11 - i, 1)::integer AS d FROM generate_series(0, 10) AS i) AS digits
	);
COMMENT ON FUNCTION rpps_is_valid IS
	'Répertoire partagé des professionnels de santé: 11 digits, the last one by Luhn (ISO/IEC 7812-1, annex B).';

CREATE DOMAIN rpps_number AS bigint CHECK (rpps_is_valid(VALUE));
COMMENT ON DOMAIN rpps_number IS 'A number of the RPPS with a right check digit.';

CREATE FUNCTION wkb_is_area(wkb bytea) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN octet_length(wkb) >= 9 AND substr(wkb, 1, 5) IN
		('\x0103000000', '\x0106000000', '\x0000000003', '\x0000000006');
COMMENT ON FUNCTION wkb_is_area IS
	'OGC 06-103r4, 8.2: begins as a polygon or a multipolygon, two dimensions, either byte order. '
	'Whether it is a valid one is GEOS''s word, at import and at load.';

CREATE FUNCTION insee_department(commune text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN left(commune, CASE WHEN commune LIKE '97%' OR commune LIKE '98%' THEN 3 ELSE 2 END);
COMMENT ON FUNCTION insee_department IS 'The department that a commune''s code begins with: three characters overseas.';

CREATE FUNCTION refuse_change() RETURNS trigger
	LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% on % is not allowed', TG_OP, TG_TABLE_NAME USING
		ERRCODE = 'insufficient_privilege', HINT = TG_ARGV[0];
END $$;
COMMENT ON FUNCTION refuse_change IS 'Trigger for what must never happen to a table, whoever asks.';

-- What a newer server or a superuser's default privileges may have opened, closed again: each later
-- file grants what it must.
REVOKE ALL ON schema_version, schema_serves, schema_now FROM PUBLIC;
GRANT SELECT ON schema_version, schema_serves, schema_now TO tocsin_daemon, tocsin_registry, tocsin_report;
GRANT USAGE ON SCHEMA public TO tocsin_daemon, tocsin_registry, tocsin_report;
