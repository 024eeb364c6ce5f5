/*
 * Time as two types that the compiler refuses to mix.
 *
 * struct mono is for deadlines and measures: the boot-time clock, which goes on in suspend.
 * struct wall is for people and records: UTC, microseconds since 1970. Only run/ and accept/ read
 * the clocks; decide/ receives the time in its events.
 */
#ifndef TOCSIN_SUPPORT_CLOCK_H
#define TOCSIN_SUPPORT_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mono { int64_t ns; }; /* CLOCK_BOOTTIME; 0 is "never" */
struct wall { int64_t us; }; /* UTC since 1970-01-01; 0 is "not given" */

#define CLOCK_MS_NS 1000000LL
#define CLOCK_S_US 1000000LL
#define CLOCK_TEXT_SIZE 32 /* "2026-11-21T22:04:38.123Z" and room */

struct mono clock_mono(void);
struct wall clock_wall(void);
bool clock_is_synchronised(void); /* adjtimex: the kernel's own opinion */

static inline struct mono mono_add_ms(struct mono t, int64_t ms) { return (struct mono){ t.ns + ms * CLOCK_MS_NS }; }
static inline int64_t mono_ms_between(struct mono from, struct mono to) { return (to.ns - from.ns) / CLOCK_MS_NS; }
static inline int64_t mono_us_between(struct mono from, struct mono to) { return (to.ns - from.ns) / 1000; }
static inline bool mono_is_set(struct mono t) { return t.ns != 0; }
static inline bool mono_is_due(struct mono deadline, struct mono now) { return deadline.ns != 0 && deadline.ns <= now.ns; }

static inline struct wall wall_add_ms(struct wall t, int64_t ms) { return (struct wall){ t.us + ms * 1000 }; }
static inline int64_t wall_ms_between(struct wall from, struct wall to) { return (to.us - from.us) / 1000; }
static inline bool wall_is_set(struct wall t) { return t.us != 0; }

/* RFC 3339, UTC, milliseconds, cut, not rounded; held within 1970 to 9999. Returns `out`. */
const char *wall_format(struct wall t, char out[static CLOCK_TEXT_SIZE]);
/* RFC 3339 with any offset and any number of decimals, years 1970 to 9999; false if it is not one. */
bool wall_parse(const char *text, struct wall *out);

#endif
