/**
 * Events are read in the order of their sequence numbers, but transactions commit in any order, so that a number may become
 * visible after a higher one has been read. To never skip it, every writer holds, until its transaction ends, a shared lock
 * whose key tells how far the sequence had come before the writer took its first number; whatever it writes lies above.
 * A reader stops at the lowest such mark. Writers never wait for each other or for readers.
 *
 * Why it is complete. The reader notes the sequence's position first and looks at the marks second. A writer that is not
 * marked then either has ended, and is visible to the query that follows, or has not taken a number yet and will take one
 * above the noted position.
 */

/** The upper sixteen bits of the marks' keys; no other advisory lock of ours has them. */
const MARK = 0x0fa1;

export const eventOrderFunctions: readonly string[] = [
  `CREATE FUNCTION mark_event_writer() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_advisory_xact_lock_shared(
      (${MARK}::bigint << 48) | (SELECT last_value FROM event_sequence_seq)
    );
    RETURN NULL;
  END $$`,
  `CREATE TRIGGER event_writer BEFORE INSERT ON "event"
    FOR EACH STATEMENT EXECUTE FUNCTION mark_event_writer()`,
  // VOLATILE: each query inside sees what was committed before it, which the argument above needs.
  `CREATE FUNCTION events_after(after_sequence bigint, of_job text, at_most integer)
  RETURNS SETOF "event" LANGUAGE plpgsql VOLATILE AS $$
  DECLARE
    horizon bigint;
    marked bigint;
  BEGIN
    SELECT last_value INTO horizon FROM event_sequence_seq;
    SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) INTO marked
      FROM pg_locks
      WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = ${MARK}
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
    horizon := least(horizon, marked);
    IF of_job IS NULL THEN
      RETURN QUERY SELECT * FROM "event"
        WHERE sequence > after_sequence AND sequence <= horizon
        ORDER BY sequence LIMIT at_most;
    ELSE
      RETURN QUERY SELECT * FROM "event"
        WHERE job_id = of_job AND sequence > after_sequence AND sequence <= horizon
        ORDER BY sequence LIMIT at_most;
    END IF;
  END $$`,
];
