#include "keep/record_queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "support/bug.h"

#define RECORD_CHUNK_ROOM (64u * 1024) /* some 90 alerts; a larger record has a chunk of its own   \
	                                */

struct record_queue {
	pthread_mutex_t lock;
	struct record_chunk *first, *last;
	size_t bytes, bytes_max;
	struct position newest, durable;
	uint64_t let_go;
	size_t wake_at; /* queued bytes that wake the follower; SIZE_MAX: none do */
	struct position
	        wake_past; /* what must be durable beyond this to wake it; epoch 0: nothing */
	int wake_fd;
};

size_t record_chunk_size(size_t length)
{
	return sizeof(struct record_slot) + (length + 7) / 8 * 8;
}

struct record_chunk *record_chunk_new(struct position after, size_t room)
{
	struct record_chunk *c = malloc(sizeof *c + room);

	if (c != NULL)
		*c = (struct record_chunk){ .after = after, .last = after, .room = room };
	return c;
}

void record_chunk_free_list(struct record_chunk *list)
{
	while (list != NULL) {
		struct record_chunk *next = list->next;
		free(list);
		list = next;
	}
}

bool record_chunk_add(struct record_chunk *c, struct position position, const void *bytes,
                      size_t length)
{
	struct record_slot slot = { .number = position.number, .length = length };

	if (record_chunk_size(length) > c->room - c->used)
		return false;
	if (c->count > 0 && c->last.epoch != position.epoch)
		return false;
	memcpy(c->bytes + c->used, &slot, sizeof slot);
	memcpy(c->bytes + c->used + sizeof slot, bytes, length);
	c->used += record_chunk_size(length);
	c->last = position;
	c->count++;
	return true;
}

bool record_chunk_next(const struct record_chunk *c, size_t *at, struct record_view *out)
{
	struct record_slot slot;

	if (*at >= c->used)
		return false;
	memcpy(&slot, c->bytes + *at, sizeof slot);
	out->position = c->last;
	out->position.number = slot.number;
	out->length = slot.length;
	out->bytes = c->bytes + *at + sizeof slot;
	*at += record_chunk_size(slot.length);
	return true;
}

struct record_queue *record_queue_new(size_t bytes_max, struct position last)
{
	struct record_queue *q = calloc(1, sizeof *q);

	if (q == NULL)
		return NULL;
	q->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (q->wake_fd < 0 || pthread_mutex_init(&q->lock, NULL) != 0) {
		if (q->wake_fd >= 0)
			close(q->wake_fd);
		free(q);
		return NULL;
	}
	q->bytes_max = bytes_max;
	q->newest = q->durable = last;
	q->wake_at = SIZE_MAX;
	return q;
}

void record_queue_free(struct record_queue *q)
{
	if (q == NULL)
		return;
	record_chunk_free_list(q->first);
	pthread_mutex_destroy(&q->lock);
	close(q->wake_fd);
	free(q);
}

static void wake(struct record_queue *q)
{
	uint64_t one = 1;

	q->wake_at = SIZE_MAX;
	q->wake_past = (struct position){ 0 };
	/* It can only fail when it is readable already. */
	if (write(q->wake_fd, &one, sizeof one) < 0)
		return;
}

/* A record that is partly stored still counts whole: a chunk goes when its last record may. */
static void let_go_of_oldest(struct record_queue *q)
{
	while (q->bytes > q->bytes_max && q->first != NULL && q->first != q->last &&
	       position_compare(q->first->last, q->durable) <= 0) {
		struct record_chunk *oldest = q->first;
		q->first = oldest->next;
		q->bytes -= oldest->used;
		q->let_go += oldest->count;
		free(oldest);
	}
}

static struct record_chunk *chunk_with_room(struct record_queue *q, struct position position,
                                            size_t size)
{
	struct record_chunk *c = q->last;

	if (c != NULL && size <= c->room - c->used && c->last.epoch == position.epoch &&
	    position_compare(c->last, q->newest) == 0)
		return c;
	c = record_chunk_new(q->newest, size > RECORD_CHUNK_ROOM ? size : RECORD_CHUNK_ROOM);
	if (c == NULL)
		return NULL;
	c->since = clock_mono();
	if (q->last != NULL)
		q->last->next = c;
	else
		q->first = c;
	q->last = c;
	return c;
}

void record_queue_push(struct record_queue *q, struct position position, const void *bytes,
                       size_t length)
{
	size_t size = record_chunk_size(length);

	pthread_mutex_lock(&q->lock);
	struct record_chunk *c = chunk_with_room(q, position, size);
	/* Without memory this is a hole, as if it had been let go: the journal has it, or will. */
	if (c != NULL && !BUG(!record_chunk_add(c, position, bytes, length)))
		q->bytes += size;
	else
		q->let_go++;
	q->newest = position;
	let_go_of_oldest(q);
	pthread_mutex_unlock(&q->lock);
}

void record_queue_commit(struct record_queue *q)
{
	pthread_mutex_lock(&q->lock);
	if (q->bytes >= q->wake_at)
		wake(q);
	pthread_mutex_unlock(&q->lock);
}

void record_queue_durable(struct record_queue *q, struct position position)
{
	pthread_mutex_lock(&q->lock);
	if (position_compare(q->durable, position) < 0) {
		q->durable = position;
		let_go_of_oldest(q);
		if (q->wake_past.epoch != 0 && position_compare(q->wake_past, position) < 0)
			wake(q);
	}
	pthread_mutex_unlock(&q->lock);
}

bool record_queue_is_full(struct record_queue *q)
{
	pthread_mutex_lock(&q->lock);
	bool is_full = q->bytes > q->bytes_max;
	pthread_mutex_unlock(&q->lock);
	return is_full;
}

static struct record_chunk *take_chunks(struct record_queue *q, size_t bytes_max,
                                        uint32_t records_max)
{
	struct record_chunk *list = q->first, *end = list;
	size_t bytes = end->used;
	uint64_t records = end->count;

	while (end->next != NULL && bytes < bytes_max && records < records_max &&
	       end->next->last.epoch == list->last.epoch) {
		end = end->next;
		bytes += end->used;
		records += end->count;
	}
	q->first = end->next;
	if (q->first == NULL)
		q->last = NULL;
	end->next = NULL;
	q->bytes -= bytes;
	return list;
}

struct record_taken record_queue_take(struct record_queue *q, struct position after,
                                      size_t bytes_max, uint32_t records_max)
{
	struct record_taken taken = { .answer = RECORD_TAKE_NONE };

	pthread_mutex_lock(&q->lock);
	while (q->first != NULL && position_compare(q->first->last, after) <= 0) {
		struct record_chunk *stored = q->first; /* by a commit whose answer was lost */
		q->first = stored->next;
		q->bytes -= stored->used;
		free(stored);
	}
	if (q->first == NULL)
		q->last = NULL;
	if (q->first != NULL && position_compare(q->first->after, after) <= 0) {
		taken.answer = RECORD_TAKE_CHUNKS;
		taken.list = take_chunks(q, bytes_max, records_max);
	} else if (q->first != NULL || position_compare(after, q->newest) < 0) {
		taken.answer = RECORD_TAKE_BEHIND;
		taken.until = q->first != NULL ? q->first->after : q->newest;
	}
	pthread_mutex_unlock(&q->lock);
	return taken;
}

void record_queue_give_back(struct record_queue *q, struct record_chunk *list)
{
	if (list == NULL)
		return;
	struct record_chunk *end = list;
	size_t bytes = end->used;
	while (end->next != NULL) {
		end = end->next;
		bytes += end->used;
	}
	pthread_mutex_lock(&q->lock);
	struct position follows = q->first != NULL ? q->first->after : q->newest;
	/* If what followed was let go meanwhile, the journal has that, and all before it. */
	bool fits = position_compare(end->last, follows) == 0;
	if (fits) {
		end->next = q->first;
		q->first = list;
		if (q->last == NULL)
			q->last = end;
		q->bytes += bytes;
		let_go_of_oldest(q);
	}
	pthread_mutex_unlock(&q->lock);
	if (!fits)
		record_chunk_free_list(list);
}

void record_queue_wake(struct record_queue *q)
{
	pthread_mutex_lock(&q->lock);
	wake(q);
	pthread_mutex_unlock(&q->lock);
}

int record_queue_wake_fd(const struct record_queue *q)
{
	return q->wake_fd;
}

void record_queue_want_wake(struct record_queue *q, size_t bytes, struct position durable)
{
	pthread_mutex_lock(&q->lock);
	q->wake_at = bytes;
	q->wake_past = durable;
	/* What came between the look and this call. */
	if (q->bytes >= bytes || (durable.epoch != 0 && position_compare(durable, q->durable) < 0))
		wake(q);
	pthread_mutex_unlock(&q->lock);
}

struct record_queue_size record_queue_size(struct record_queue *q)
{
	pthread_mutex_lock(&q->lock);
	struct record_queue_size size = {
		.newest = q->newest,
		.durable = q->durable,
		.since = q->first != NULL ? q->first->since : (struct mono){ 0 },
		.bytes = q->bytes,
		.let_go = q->let_go,
	};
	pthread_mutex_unlock(&q->lock);
	return size;
}
