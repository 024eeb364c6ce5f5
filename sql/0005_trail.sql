-- The trail: who did what and who looked at whom, in one append-only table whose rows bind each other.
--
-- Every act on an incident and every look at a registered person leaves a row with an operator's name
-- (departmental protocol, art. 5; Regulation (EU) 2016/679, art. 5 (2)). Each row bears the SHA-256 of
-- the one before it in its chain, so that a row that was changed, removed or slipped in shows. A chain
-- belongs to one writer (a node, or the tools), so that a tool's long transaction holds up no node.

CREATE TABLE trail (
	chain       integer NOT NULL CHECK (chain >= 0),
	seq         bigint NOT NULL CHECK (seq > 0),
	prev        bytea NOT NULL CHECK (octet_length(prev) = 32),
	hash        bytea NOT NULL CHECK (octet_length(hash) = 32),
	at          timestamptz NOT NULL,
	department  text COLLATE "C" NOT NULL,
	who         text NOT NULL CHECK (who <> ''),
	via         text NOT NULL,
	what        text COLLATE "C" NOT NULL CHECK (what <> ''),
	object      text COLLATE "C" NOT NULL,
	object_id   text COLLATE "C" NOT NULL,
	detail      text NOT NULL DEFAULT '',
	note_sha256 bytea CHECK (octet_length(note_sha256) = 32),
	node        integer CHECK (node > 0),
	epoch       bigint,
	number      bigint,
	PRIMARY KEY (chain, seq),
	UNIQUE (node, epoch, number),
	CHECK (num_nulls(node, epoch, number) IN (0, 3)),
	CHECK (chain = coalesce(node, 0))
);
COMMENT ON TABLE trail IS 'Acts and looks. Only ever grows: no role may change or remove a row, and trail_check() shows where somebody did.';
COMMENT ON COLUMN trail.chain IS 'The writer: a node, or 0 for the tools.';
COMMENT ON COLUMN trail.seq IS 'Counts from 1 in its chain without a gap; given by the table.';
COMMENT ON COLUMN trail.prev IS 'The hash of the row before; of the first one, the hash of the chain''s number as text.';
COMMENT ON COLUMN trail.hash IS 'SHA-256 of this row and prev (trail_hash).';
COMMENT ON COLUMN trail.who IS 'The operator''s name as signed in, or the account for a tool.';
COMMENT ON COLUMN trail.via IS 'Through what: the console''s centre, a tool''s verb.';
COMMENT ON COLUMN trail.what IS 'The act (take, engage, close, …) or look.';
COMMENT ON COLUMN trail.object IS 'What kind of thing it was done to: incident, practitioner, source, …';
COMMENT ON COLUMN trail.detail IS 'What else a reader must know, as key=value; never a registered person''s name or number: this table forgets nothing.';
COMMENT ON COLUMN trail.note_sha256 IS 'Of the note in words, which may end on its day; as long as it stands it can be proven here.';
COMMENT ON COLUMN trail.node IS 'With epoch and number: the journal''s record, where one stands behind it.';
CREATE INDEX trail_object ON trail (object, object_id);

CREATE FUNCTION trail_hash(t trail) RETURNS bytea
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	-- Each field with its length before it, so that no two rows spell alike; times in microseconds,
	-- so that no session's settings change them.
	RETURN sha256((t).prev || convert_to((
		SELECT string_agg(coalesce(length(f.text) || ':' || f.text, '-'), ',' ORDER BY f.place)
		FROM unnest(ARRAY[(t).chain::text, (t).seq::text, (extract(epoch FROM (t).at) * 1000000)::bigint::text,
			(t).department, (t).who, (t).via, (t).what, (t).object, (t).object_id, (t).detail,
			encode((t).note_sha256, 'hex'), (t).node::text, (t).epoch::text, (t).number::text])
			WITH ORDINALITY AS f (text, place)), 'UTF8'));
COMMENT ON FUNCTION trail_hash IS 'What binds a row: prev and every field, as "length:text" joined by commas, "-" for none.';

CREATE TABLE trail_chain (
	chain integer PRIMARY KEY
);
COMMENT ON TABLE trail_chain IS 'One row a chain, locked by whoever appends to it until the end of the transaction.';

CREATE FUNCTION trail_bind() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	-- One writer at a time in a chain; the next statement then sees what the one before committed.
	PERFORM FROM trail_chain WHERE chain = NEW.chain FOR UPDATE;
	IF NOT FOUND THEN
		INSERT INTO trail_chain VALUES (NEW.chain) ON CONFLICT DO NOTHING;
		PERFORM FROM trail_chain WHERE chain = NEW.chain FOR UPDATE;
	END IF;
	SELECT seq + 1, hash INTO NEW.seq, NEW.prev FROM trail
		WHERE chain = NEW.chain ORDER BY seq DESC LIMIT 1;
	IF NOT FOUND THEN
		NEW.seq := 1;
		NEW.prev := sha256(convert_to(NEW.chain::text, 'UTF8'));
	END IF;
	NEW.hash := trail_hash(NEW);
	RETURN NEW;
END $$;
COMMENT ON FUNCTION trail_bind IS 'Before each row: gives it its place in the chain.';
CREATE TRIGGER bind BEFORE INSERT ON trail FOR EACH ROW EXECUTE FUNCTION trail_bind();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON trail FOR EACH ROW
	EXECUTE FUNCTION refuse_change('The trail only ever grows.');
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON trail FOR EACH STATEMENT
	EXECUTE FUNCTION refuse_change('The trail only ever grows.');

CREATE FUNCTION trail_check() RETURNS TABLE (chain integer, seq bigint, why text)
	LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
	BEGIN ATOMIC
		SELECT c.chain, c.seq, c.why
		FROM (SELECT t.chain, t.seq, CASE
				WHEN t.seq <> coalesce(lag(t.seq) OVER w, 0) + 1 THEN 'rows before this one are missing'
				WHEN t.prev <> coalesce(lag(t.hash) OVER w, sha256(convert_to(t.chain::text, 'UTF8')))
					THEN 'not bound to the row before it'
				WHEN t.hash <> trail_hash(t) THEN 'changed after it was written'
			END AS why
			FROM trail t WINDOW w AS (PARTITION BY t.chain ORDER BY t.seq)) AS c
		WHERE c.why IS NOT NULL
		ORDER BY c.chain, c.seq
		LIMIT 1;
	END;
COMMENT ON FUNCTION trail_check IS
	'The first broken link, or no row when all hold. Rows cut from the end of a chain do not show here: '
	'compare its last seq and hash with a copy kept elsewhere.';

REVOKE ALL ON trail, trail_chain FROM PUBLIC;
REVOKE ALL ON FUNCTION trail_bind(), trail_check() FROM PUBLIC;
GRANT INSERT (chain, at, department, who, via, what, object, object_id, detail, note_sha256, node, epoch, number)
	ON trail TO tocsin_daemon;
-- The tools bear no position: what they do stands in no journal.
GRANT INSERT (chain, at, department, who, via, what, object, object_id, detail) ON trail TO tocsin_registry;
GRANT SELECT (chain, seq, at, department, what, object, object_id) ON trail TO tocsin_report;
GRANT EXECUTE ON FUNCTION trail_check() TO tocsin_daemon, tocsin_registry, tocsin_report;
