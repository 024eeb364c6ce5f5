/*
 * Asks the running daemon's admin listener for a page: one GET with a deadline for the whole, and a
 * ceiling for what comes back. For the verb status.
 */
#ifndef TOCSIN_TOOL_ADMIN_PAGE_H
#define TOCSIN_TOOL_ADMIN_PAGE_H

#include <stddef.h>

#include "support/clock.h"

#define ADMIN_PAGE_BYTES_MAX (1 << 20)
#define ADMIN_PAGE_WHY_SIZE  160

/* The body of the page, terminated, to be freed. NULL, with a sentence in `why`. `address` is
 * "HOST:PORT" in figures. */
char *admin_page_get(const char *address, const char *path, struct mono deadline,
                     char why[static ADMIN_PAGE_WHY_SIZE]);

#endif
