-- The territory: departments, centres, communes, who is competent where, and who advises.
--
-- It comes from official files through `tocsin territory import`, and is loaded whole by every
-- daemon. Any change moves the one version, which daemons watch through NOTIFY tocsin_territory.

CREATE TABLE territory_version (
	one        boolean PRIMARY KEY DEFAULT true CHECK (one),
	version    bigint NOT NULL DEFAULT 0 CHECK (version >= 0),
	xact       xid8 NOT NULL DEFAULT '0',
	changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE territory_version IS
	'One row. A transaction that changes the territory moves the version once and holds the row until '
	'it commits, so that versions are committed in their order and no reader can miss one.';
COMMENT ON COLUMN territory_version.xact IS 'The transaction that moved it last: a second change of the same one does not move it again.';
INSERT INTO territory_version DEFAULT VALUES;

CREATE FUNCTION territory_changed() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	moved bigint;
BEGIN
	IF EXISTS (SELECT FROM territory_version WHERE xact = pg_current_xact_id()) THEN
		RETURN NULL;
	END IF;
	UPDATE territory_version
		SET version = version + 1, xact = pg_current_xact_id(), changed_at = clock_timestamp()
		RETURNING version INTO STRICT moved;
	PERFORM pg_notify('tocsin_territory', moved::text);
	RETURN NULL;
END $$;
COMMENT ON FUNCTION territory_changed IS 'After each statement that changes the territory: moves its version and tells the daemons.';

CREATE TABLE departments (
	code            department_code PRIMARY KEY,
	name            named NOT NULL,
	stand_in        centre_code NOT NULL,
	operations      centre_code NOT NULL,
	names_kept_days integer NOT NULL DEFAULT 2192 CHECK (names_kept_days BETWEEN 1 AND 10958),
	-- Two constants that let the references below ask for a kind of centre.
	stand_in_answers   boolean NOT NULL GENERATED ALWAYS AS (true) STORED,
	operations_answers boolean NOT NULL GENERATED ALWAYS AS (false) STORED
);
COMMENT ON TABLE departments IS 'A departmental protocol: every centre, source, registration and right belongs to one.';
COMMENT ON COLUMN departments.stand_in IS 'Where doubt goes: the centre of last resort, one that sends people (rule 5: doubt routes up).';
COMMENT ON COLUMN departments.operations IS 'Who runs the service: where technical incidents go.';
COMMENT ON COLUMN departments.names_kept_days IS
	'How long names and words of an incident are kept when no legal hold keeps them longer. Unless set: '
	'six years, the limitation period of a délit (Code de procédure pénale, art. 8).';

CREATE TABLE centres (
	id           centre_code PRIMARY KEY,
	department   department_code NOT NULL REFERENCES departments DEFERRABLE INITIALLY DEFERRED,
	kind         text NOT NULL CHECK (kind IN ('police', 'gendarmerie', 'operations')),
	name         named NOT NULL,
	other_centre centre_code REFERENCES centres DEFERRABLE INITIALLY DEFERRED,
	answers      boolean NOT NULL GENERATED ALWAYS AS (kind <> 'operations') STORED,
	UNIQUE (department, name),
	UNIQUE (department, id, answers),
	CHECK (other_centre <> id)
);
COMMENT ON TABLE centres IS 'CIC (police), CORG (gendarmerie) and operations: who sees incidents on consoles.';
COMMENT ON COLUMN centres.other_centre IS 'Who is asked when nobody here takes an incident in time; may be another department''s.';
COMMENT ON COLUMN centres.answers IS 'Sends people; operations do not.';

ALTER TABLE departments
	ADD CONSTRAINT departments_stand_in_fkey FOREIGN KEY (code, stand_in, stand_in_answers)
		REFERENCES centres (department, id, answers) DEFERRABLE INITIALLY DEFERRED,
	ADD CONSTRAINT departments_operations_fkey FOREIGN KEY (code, operations, operations_answers)
		REFERENCES centres (department, id, answers) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE tribunals (
	department department_code NOT NULL REFERENCES departments,
	name       named NOT NULL,
	PRIMARY KEY (department, name)
);
COMMENT ON TABLE tribunals IS 'Tribunaux judiciaires: Code de l''organisation judiciaire, annexe tableau IV.';

CREATE TABLE communes (
	code           insee_code PRIMARY KEY,
	department     department_code NOT NULL REFERENCES departments,
	name           named NOT NULL,
	postal_codes   text[] NOT NULL DEFAULT '{}',
	population     integer CHECK (population >= 0),
	arrondissement one_line,
	district       one_line,
	tribunal       named,
	centre         centre_code NOT NULL REFERENCES centres,
	lat            latitude NOT NULL,
	lon            longitude NOT NULL,
	FOREIGN KEY (department, tribunal) REFERENCES tribunals (department, name),
	CHECK (insee_department(code) = department),
	CHECK (array_ndims(postal_codes) IS NOT DISTINCT FROM NULLIF(least(cardinality(postal_codes), 1), 0)
		AND array_to_string(postal_codes, ' ', '?') ~ '^([0-9]{5}( [0-9]{5})*)?$')
);
COMMENT ON TABLE communes IS 'INSEE, Code officiel géographique, with who is competent there.';
COMMENT ON COLUMN communes.postal_codes IS 'La Poste. Shown and searched, never used to route: one code may hold communes of both forces.';
COMMENT ON COLUMN communes.district IS 'Circonscription de police, where the police is competent.';
COMMENT ON COLUMN communes.tribunal IS 'Code de l''organisation judiciaire, annexe tableau IV.';
COMMENT ON COLUMN communes.centre IS 'The competent one; police zones by arrêté (Seine-et-Marne: 10 March 2015, INTC1506259A, art. 2).';
COMMENT ON COLUMN communes.lat IS 'A point inside the commune.';

CREATE TABLE contours (
	commune    insee_code PRIMARY KEY REFERENCES communes ON DELETE CASCADE,
	department department_code NOT NULL REFERENCES departments,
	wkb        bytea NOT NULL CHECK (wkb_is_area(wkb)),
	CHECK (insee_department(commune) = department)
);
COMMENT ON TABLE contours IS 'The communes'' contours (IGN Admin Express), EPSG:4326. A department without any is served by approximate cells.';

CREATE TABLE zones (
	department department_code NOT NULL REFERENCES departments,
	name       named NOT NULL,
	centre     centre_code NOT NULL REFERENCES centres,
	wkb        bytea NOT NULL CHECK (wkb_is_area(wkb)),
	PRIMARY KEY (department, name)
);
COMMENT ON TABLE zones IS 'Overlays that stand above the commune''s default, such as an airport''s footprint.';

CREATE TABLE advisers (
	id         uuid7 PRIMARY KEY,
	department department_code NOT NULL REFERENCES departments,
	name       named NOT NULL,
	number     e164,
	UNIQUE (department, id)
);
COMMENT ON TABLE advisers IS 'Référents sécurité of police and gendarmerie (departmental protocol, art. 4).';

CREATE TABLE adviser_communes (
	commune    insee_code PRIMARY KEY REFERENCES communes ON DELETE CASCADE,
	department department_code NOT NULL,
	adviser    uuid NOT NULL,
	FOREIGN KEY (department, adviser) REFERENCES advisers (department, id) ON DELETE CASCADE,
	CHECK (insee_department(commune) = department)
);
COMMENT ON TABLE adviser_communes IS 'Who advises in a commune: one, of the force that is competent there.';
CREATE INDEX adviser_communes_adviser ON adviser_communes (adviser);

DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['departments', 'centres', 'tribunals', 'communes', 'contours', 'zones',
			'advisers', 'adviser_communes'] LOOP
		EXECUTE format('CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I '
			'FOR EACH STATEMENT EXECUTE FUNCTION territory_changed()', name);
		EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', name);
		EXECUTE format('GRANT SELECT ON %I TO tocsin_daemon', name);
		EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO tocsin_registry', name);
	END LOOP;
END $$;

REVOKE ALL ON FUNCTION territory_changed() FROM PUBLIC;
REVOKE ALL ON territory_version FROM PUBLIC;
GRANT SELECT ON territory_version TO tocsin_daemon, tocsin_registry, tocsin_report;
-- A report counts by place; whom to call there is none of its business.
GRANT SELECT ON departments, centres, tribunals, communes, contours, zones TO tocsin_report;
