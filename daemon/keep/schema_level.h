/*
 * The level of the schema that this version knows: the number of its newest migration in sql/. The
 * follower and the loader ask the database before they read or write anything.
 */
#ifndef TOCSIN_KEEP_SCHEMA_LEVEL_H
#define TOCSIN_KEEP_SCHEMA_LEVEL_H

#define SCHEMA_LEVEL 5

/* One row: the database's level, and the oldest level that a daemon must know to write there. */
#define SCHEMA_LEVEL_SQL "SELECT level, oldest_daemon FROM schema_now"

enum schema_fit { SCHEMA_FITS, SCHEMA_TOO_OLD, SCHEMA_TOO_NEW };

static inline enum schema_fit schema_fit(long level, long oldest_daemon)
{
	return level < SCHEMA_LEVEL           ? SCHEMA_TOO_OLD
	       : oldest_daemon > SCHEMA_LEVEL ? SCHEMA_TOO_NEW
	                                      : SCHEMA_FITS;
}

#endif
