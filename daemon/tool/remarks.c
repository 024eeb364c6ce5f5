#include "tool/remarks.h"

#include <stdio.h>

#include "tool/plain.h"

void remarks_init(struct remarks *r, bool is_json)
{
	*r = (struct remarks){ .is_json = is_json, .list = is_json ? json_array() : NULL };
}

void remarks_done(struct remarks *r)
{
	json_decref(r->list);
	*r = (struct remarks){ 0 };
}

void remarks_vadd(struct remarks *r, enum remark_rank rank, const char *place, const char *format,
                  va_list args)
{
	char whole[2 * REMARK_SIZE], what[REMARK_SIZE], where[REMARK_SIZE];

	(void)vsnprintf(whole, sizeof(whole), format, args);
	plain_copy(what, sizeof(what), whole, PLAIN_ONE_LINE); /* a cut sentence still tells */
	plain_copy(where, sizeof(where), place, PLAIN_ONE_LINE);
	if (rank == REMARK_ERROR)
		r->errors++;
	else
		r->notes++;
	if (r->is_json)
		json_array_append_new(r->list, json_pack("{s:s, s:s, s:s}", "rank",
		                                         rank == REMARK_ERROR ? "error" : "note",
		                                         "place", where, "what", what));
	else
		fprintf(stderr, "%s: %s%s\n", where, rank == REMARK_NOTE ? "note: " : "", what);
}

void remarks_add(struct remarks *r, enum remark_rank rank, const char *place, const char *format,
                 ...)
{
	va_list args;

	va_start(args, format);
	remarks_vadd(r, rank, place, format, args);
	va_end(args);
}
