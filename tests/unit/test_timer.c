#include "wire/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <event2/event.h>

struct probe {
	struct timer timer;
	struct timers *timers;
	int calls;
	int order;
	int64_t late_ms;
	int again; /* sets itself to now so many times */
};

static int order;

static void on_due(struct timer *t, struct mono now)
{
	struct probe *p = (struct probe *)t;

	p->calls++;
	p->order = ++order;
	p->late_ms = mono_ms_between(t->node.due, now);
	if (p->again > 0) {
		p->again--;
		assert_true(timer_set(p->timers, t, clock_mono()));
	}
}

struct fixture {
	struct event_base *base;
	struct timers *timers;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->base = event_base_new();
	f->timers = timers_new(f->base);
	assert_non_null(f->timers);
	order = 0;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	timers_free(f->timers);
	event_base_free(f->base);
	free(f);
	return 0;
}

/* Turns the loop until `calls` were made to p, 5 s at most. */
static void run_until(struct fixture *f, struct probe *p, int calls)
{
	struct mono deadline = mono_add_ms(clock_mono(), 5000);
	while (p->calls < calls) {
		struct timeval at_most = { .tv_sec = 1 };
		assert_false(mono_is_due(deadline, clock_mono()));
		event_base_loopexit(f->base, &at_most);
		event_base_loop(f->base, EVLOOP_ONCE);
	}
}

static void timers_are_called_in_the_order_of_their_deadlines_and_never_early(void **state)
{
	struct fixture *f = *state;
	struct probe p[3] = { { .timer.on_due = on_due },
		              { .timer.on_due = on_due },
		              { .timer.on_due = on_due } };
	struct mono now = clock_mono();

	assert_true(timer_set(f->timers, &p[0].timer, mono_add_ms(now, 30)));
	assert_true(timer_set(f->timers, &p[1].timer, mono_add_ms(now, 10)));
	assert_true(timer_set(f->timers, &p[2].timer, mono_add_ms(now, 20)));
	run_until(f, &p[0], 1);
	assert_int_equal(p[1].order, 1);
	assert_int_equal(p[2].order, 2);
	assert_int_equal(p[0].order, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(p[i].calls, 1);
		assert_true(p[i].late_ms >= 0);
		assert_false(timer_is_set(&p[i].timer));
	}
}

static void moved_and_cleared_timers_keep_their_word(void **state)
{
	struct fixture *f = *state;
	struct probe early = { .timer.on_due = on_due }, gone = early, last = early;
	struct mono now = clock_mono();

	assert_true(timer_set(f->timers, &early.timer, mono_add_ms(now, 60000)));
	assert_true(timer_set(f->timers, &gone.timer, mono_add_ms(now, 5)));
	assert_true(timer_set(f->timers, &last.timer, mono_add_ms(now, 20)));
	assert_true(timer_set(f->timers, &early.timer, mono_add_ms(now, 10)));
	timer_clear(f->timers, &gone.timer);
	run_until(f, &last, 1);
	assert_int_equal(early.order, 1);
	assert_int_equal(last.order, 2);
	assert_int_equal(gone.calls, 0);
}

static void passed_deadline_is_called_in_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct probe p = { .timer.on_due = on_due };

	assert_true(timer_set(f->timers, &p.timer, (struct mono){ 1 }));
	assert_int_equal(p.calls, 0);
	run_until(f, &p, 1);
}

/* A timer that sets itself to "now" must not keep the turn from ending. */
static void self_setting_timer_is_called_once_a_turn(void **state)
{
	struct fixture *f = *state;
	struct probe p = { .timer.on_due = on_due, .timers = f->timers, .again = 3 };

	assert_true(timer_set(f->timers, &p.timer, clock_mono()));
	for (int turn = 1; turn <= 4; turn++) {
		event_base_loop(f->base, EVLOOP_ONCE);
		assert_int_equal(p.calls, turn);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		        timers_are_called_in_the_order_of_their_deadlines_and_never_early, setup,
		        teardown),
		cmocka_unit_test_setup_teardown(moved_and_cleared_timers_keep_their_word, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(passed_deadline_is_called_in_the_next_turn, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(self_setting_timer_is_called_once_a_turn, setup,
		                                teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
