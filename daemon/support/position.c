#include "support/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "support/text.h"

const char *position_format(struct position p, char out[static POSITION_TEXT_SIZE])
{
	snprintf(out, POSITION_TEXT_SIZE, "%" PRIu32 ":%" PRIu32 ":%" PRIu64, p.node, p.epoch,
		 p.number);
	return out;
}

bool position_parse(const char *text, struct position *out)
{
	char copy[POSITION_TEXT_SIZE];
	if (!TEXT_COPY(copy, text))
		return false;
	char *epoch = strchr(copy, ':');
	char *number = epoch != NULL ? strchr(epoch + 1, ':') : NULL;
	if (number == NULL)
		return false;
	*epoch++ = '\0';
	*number++ = '\0';
	int64_t n, e, r;
	if (!text_to_int(copy, 0, UINT32_MAX, &n) || !text_to_int(epoch, 0, UINT32_MAX, &e) ||
	    !text_to_int(number, 0, INT64_MAX, &r))
		return false;
	*out = (struct position){ (uint32_t)n, (uint32_t)e, (uint64_t)r };
	return true;
}

int position_compare(struct position a, struct position b)
{
	if (a.epoch != b.epoch)
		return a.epoch < b.epoch ? -1 : 1;
	return (a.number > b.number) - (a.number < b.number);
}
