#include "keep/handover.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "support/bug.h"
#include "support/log.h"
#include "support/text.h"

struct handover_piece {
	struct loader_news news;
	struct handover_piece *next;
};

struct handover_garbage {
	struct registry *registry;
	struct territory *territory;
	struct handover_garbage *next;
};

bool handover_init(struct handover *h)
{
	*h = (struct handover){ .news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		                .work_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	must(pthread_mutex_init(&h->mutex, NULL) == 0);
	if (h->news_fd >= 0 && h->work_fd >= 0)
		return true;
	handover_done(h);
	return false;
}

static void piece_free(struct handover_piece *piece)
{
	registry_free(piece->news.registry);
	territory_free(piece->news.territory);
	changes_done(&piece->news.changes);
	free(piece);
}

void handover_done(struct handover *h)
{
	handover_free_garbage(h);
	while (h->first) {
		struct handover_piece *piece = h->first;
		h->first = piece->next;
		piece_free(piece);
	}
	if (h->news_fd >= 0)
		close(h->news_fd);
	if (h->work_fd >= 0)
		close(h->work_fd);
	pthread_mutex_destroy(&h->mutex);
}

/* A descriptor that counts cannot fail to be written but when it is full, and then it is readable.
 */
static void wake(int fd)
{
	const uint64_t one = 1;
	ssize_t written = write(fd, &one, sizeof one);
	(void)written;
}

static void quiet(int fd)
{
	uint64_t count;
	ssize_t got = read(fd, &count, sizeof count);
	(void)got;
}

/* ---- the thread's side ---- */

/* Unlinks what a new whole makes pointless: a registry what was said of the one before, a territory
 * the one before. Returns it as a list, to be freed without the lock. */
static struct handover_piece *handover_outdate(struct handover *h, enum loader_news_kind kind)
{
	struct handover_piece *out = NULL, **link = &h->first;

	h->last = NULL;
	while (*link) {
		struct handover_piece *piece = *link;
		enum loader_news_kind old = piece->news.kind;
		bool goes = kind == LOADER_REGISTRY
		                    ? old == LOADER_REGISTRY || old == LOADER_CHANGES
		                    : kind == LOADER_TERRITORY && old == LOADER_TERRITORY;
		if (!goes) {
			h->last = piece;
			link = &piece->next;
			continue;
		}
		*link = piece->next;
		piece->next = out;
		out = piece;
		h->count--;
	}
	return out;
}

bool handover_put(struct handover *h, const struct loader_news *news)
{
	struct handover_piece *piece = malloc(sizeof *piece);

	if (!piece)
		return false;
	*piece = (struct handover_piece){ .news = *news };
	pthread_mutex_lock(&h->mutex);
	struct handover_piece *outdated = handover_outdate(h, news->kind);
	if (h->last)
		h->last->next = piece;
	else
		h->first = piece;
	h->last = piece;
	h->count++;
	pthread_mutex_unlock(&h->mutex);
	wake(h->news_fd);
	while (outdated) {
		struct handover_piece *next = outdated->next;
		piece_free(outdated);
		outdated = next;
	}
	return true;
}

bool handover_is_full(struct handover *h)
{
	pthread_mutex_lock(&h->mutex);
	bool is_full = h->count >= HANDOVER_MAX;
	pthread_mutex_unlock(&h->mutex);
	return is_full;
}

void handover_free_garbage(struct handover *h)
{
	pthread_mutex_lock(&h->mutex);
	struct handover_garbage *garbage = h->garbage;
	h->garbage = NULL;
	pthread_mutex_unlock(&h->mutex);
	while (garbage) {
		struct handover_garbage *next = garbage->next;
		registry_free(garbage->registry);
		territory_free(garbage->territory);
		free(garbage);
		garbage = next;
	}
}

bool handover_is_load_wanted(struct handover *h)
{
	pthread_mutex_lock(&h->mutex);
	bool is_wanted = h->is_load_wanted;
	h->is_load_wanted = false;
	pthread_mutex_unlock(&h->mutex);
	return is_wanted;
}

void handover_quiet(struct handover *h)
{
	quiet(h->work_fd);
}

struct loader_state *handover_lock(struct handover *h)
{
	pthread_mutex_lock(&h->mutex);
	return &h->state;
}

void handover_unlock(struct handover *h, bool is_new)
{
	h->is_state_new |= is_new;
	pthread_mutex_unlock(&h->mutex);
	if (is_new)
		wake(h->news_fd);
}

void handover_say_away(struct handover *h, const char *why)
{
	struct loader_state *s = handover_lock(h);
	bool is_new = s->is_connected || strcmp(s->why, why) != 0;

	if (s->is_connected || !wall_is_set(s->since))
		s->since = clock_wall();
	s->is_connected = false;
	TEXT_COPY(s->why, why);
	handover_unlock(h, is_new);
	if (is_new)
		log_event(LOG_LEVEL_WARN, "registry-away", LOG_TEXT("why", why));
}

void handover_say_current(struct handover *h, uint64_t registry, uint64_t territory,
                          const char *snapshot_why)
{
	struct loader_state *s = handover_lock(h);
	bool is_new = !s->is_connected || s->is_from_snapshot;

	s->as_of = clock_wall();
	if (!s->is_connected)
		s->since = s->as_of;
	s->is_connected = true;
	s->is_from_snapshot = false;
	s->why[0] = '\0';
	s->registry_version = registry;
	s->territory_version = territory;
	TEXT_COPY(s->snapshot_why, snapshot_why);
	handover_unlock(h, is_new);
	if (is_new)
		log_event(LOG_LEVEL_NOTICE, "registry-current", LOG_NUMBER("version", registry));
}

/* ---- the loop's side ---- */

bool handover_take(struct handover *h, struct loader_news *out)
{
	quiet(h->news_fd);
	pthread_mutex_lock(&h->mutex);
	struct handover_piece *piece = h->first;
	bool has_news = piece || h->is_state_new;
	bool was_full = h->count >= HANDOVER_MAX;
	if (piece) {
		*out = piece->news;
		h->first = piece->next;
		if (!h->first)
			h->last = NULL;
		h->count--;
	} else if (has_news) {
		*out = (struct loader_news){ .kind = LOADER_STATE };
		h->is_state_new = false;
	}
	bool is_more = h->first || h->is_state_new;
	pthread_mutex_unlock(&h->mutex);
	free(piece);
	if (is_more)
		wake(h->news_fd);
	if (was_full)
		wake(h->work_fd);
	return has_news;
}

void handover_give_back(struct handover *h, struct registry *registry, struct territory *territory)
{
	struct handover_garbage *garbage;

	if (!registry && !territory)
		return;
	garbage = malloc(sizeof *garbage);
	if (!garbage) {
		/* Slow here, but it must go somewhere. */
		registry_free(registry);
		territory_free(territory);
		return;
	}
	*garbage = (struct handover_garbage){ .registry = registry, .territory = territory };
	pthread_mutex_lock(&h->mutex);
	garbage->next = h->garbage;
	h->garbage = garbage;
	pthread_mutex_unlock(&h->mutex);
	wake(h->work_fd);
}

void handover_want_load(struct handover *h)
{
	pthread_mutex_lock(&h->mutex);
	h->is_load_wanted = true;
	pthread_mutex_unlock(&h->mutex);
	wake(h->work_fd);
}

void handover_state(struct handover *h, struct loader_state *out)
{
	pthread_mutex_lock(&h->mutex);
	*out = h->state;
	pthread_mutex_unlock(&h->mutex);
}
