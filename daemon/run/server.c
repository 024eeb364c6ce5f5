#include "run/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "keep/loader.h"
#include "run/alarm.h"
#include "run/doors.h"
#include "run/health.h"
#include "run/loop.h"
#include "run/notify.h"
#include "run/report.h"
#include "run/resume.h"
#include "support/bug.h"
#include "support/log.h"
#include "support/text.h"

#define RECORD_VERSION 1
#define DRAIN_MS       10000 /* after SIGTERM, for receipts that wait */
#define GOODBYE_MS     2000  /* for links to hear that it ends */
#define CLOSE_MS       10000 /* for the last batch and the checkpoint */
#define START_MS       30000 /* a start that takes longer is an alarm */
#define ALARM_MS       5000  /* for an alarm under way */
#define LOOK_EVERY_MS  1000  /* at what may be degraded */

enum phase { PHASE_STARTING, PHASE_SERVING, PHASE_DRAINING, PHASE_GOODBYE, PHASE_DONE };

struct server {
	struct conf conf;
	char path[1024];
	enum phase phase;
	bool failed;
	bool is_start_alarmed;
	struct mono began;
	struct mono phase_until;
	struct loop loop;
	struct loader *loader;
	struct doors doors;
	struct health health;
	struct stats stats;
	struct report report;
	struct notify notify;
	struct alarm *alarm;
	struct timer look;
	struct event *on_term, *on_int, *on_hup, *on_loader, *on_journal, *on_follower;
	struct resumed resumed;
};

static void set_phase(struct server *s, enum phase phase)
{
	static const char *const names[] = { "starting", "serving", "stopping", "stopping",
		                             "stopped" };
	s->phase = phase;
	s->report.phase = names[phase];
}

/* The alarm outside of tocsin, for an incident that nobody answers. */
static void on_alarm(void *owner, const struct effect *e)
{
	struct server *s = owner;
	struct alarm_cause cause = { .priority = e->alarm.priority };
	struct reason reason = { .code = e->alarm.why };
	TEXT_COPY(cause.reason, reason_name(reason.code));
	reason_format(&reason, cause.text, sizeof cause.text);
	id_format(e->alarm.incident.v, cause.incident);
	cause.waiting = (unsigned)table_count(s->loop.world.incidents);
	TEXT_COPY(cause.node, s->conf.node.name);
	alarm_raise(s->alarm, &cause);
}

/* ... and for a state in which the service cannot serve. Once each time it begins. */
static void alarm_for_state(struct server *s, enum health_kind kind)
{
	struct alarm_cause cause = { 0 };
	TEXT_COPY(cause.reason, health_name(kind));
	TEXT_COPY(cause.text, health_sentence(kind));
	TEXT_COPY(cause.node, s->conf.node.name);
	alarm_raise(s->alarm, &cause);
}

/* Ports of accept and push. */

static struct event *port_post(void *owner)
{
	return loop_post(&((struct server *)owner)->loop);
}

static const struct registry *port_registry(void *owner)
{
	return ((struct server *)owner)->loop.world.registry;
}

static const struct territory *port_territory(void *owner)
{
	return ((struct server *)owner)->loop.world.territory;
}

static struct position port_durable(void *owner)
{
	return keepers_recorded(&((struct server *)owner)->loop.keepers);
}

static const char *port_degraded(void *owner, unsigned n)
{
	enum health_kind kind;
	return health_next(&((struct server *)owner)->health, n, &kind) ? health_sentence(kind)
	                                                                : NULL;
}

static void port_heard(void *owner, enum source_kind kind)
{
	stats_count(&((struct server *)owner)->stats, STATS_HEARD, kind, 1);
}

static bool open_journal(struct server *s)
{
	struct journal_settings settings;
	enum journal_answer why = JOURNAL_OK;

	journal_settings_default(&settings);
	settings.folder = s->conf.journal.folder;
	settings.node = s->conf.node.id;
	settings.record_version = RECORD_VERSION;
	settings.segment_bytes = s->conf.journal.segment_bytes & ~7ULL;
	settings.pending_bytes_max = s->conf.journal.pending_bytes_max;
	settings.total_bytes_max = s->conf.journal.total_bytes_max;
	settings.keep_days = s->conf.journal.keep_days;
	struct journal *j = journal_open(&settings, &why);
	if (j == NULL) {
		log_event(LOG_LEVEL_CRIT, "journal-not-opened", LOG_TEXT("folder", settings.folder),
		          LOG_TEXT("why", journal_answer_text(why)));
		return false;
	}
	s->loop.keepers.journal = j;
	return resume(j, &s->loop.world, &s->resumed);
}

/* Everything that is needed to recognise somebody is there: consoles see what was open, and both
 * doors open, the consoles' first. */
static bool open_doors(struct server *s)
{
	struct incident *i;
	struct world *w = &s->loop.world;
	desk_begin(consoles_desk(s->loop.consoles),
	           (struct position){ w->next.node, w->next.epoch, 0 });
	for (size_t n = 0; (i = world_next_incident(w, &n)) != NULL;) {
		struct view *v = view_new(i, false, clock_mono(), w->registry, w->territory);
		if (v == NULL)
			return false;
		view_set_recorded(v, true);
		desk_restore(consoles_desk(s->loop.consoles), v);
	}
	if (!doors_open(&s->doors, &s->conf))
		return false;
	set_phase(s, PHASE_SERVING);
	notify_ready(&s->notify);
	log_event(LOG_LEVEL_NOTICE, "serving",
	          LOG_NUMBER("alerts_port", listener_port(s->doors.alerts)),
	          LOG_NUMBER("consoles_port", listener_port(s->doors.consoles)),
	          LOG_NUMBER("admin_port", admin_port(s->doors.admin)),
	          LOG_NUMBER("sources", registry_size(w->registry).sources),
	          LOG_NUMBER("practitioners", registry_size(w->registry).practitioners));
	return true;
}

/* Registry and territory. */

static void look_at_registry(struct server *s)
{
	struct loader_state state;
	loader_state(s->loader, &state);
	struct world *w = &s->loop.world;
	bool missing = w->registry == NULL || w->territory == NULL;
	w->registry_is_old = !missing && state.is_from_snapshot;
	char as_of[CLOCK_TEXT_SIZE];
	struct wall now = clock_wall();
	health_set(&s->health, HEALTH_REGISTRY_MISSING, missing, state.why, now);
	health_set(&s->health, HEALTH_REGISTRY_OLD, w->registry_is_old,
	           wall_format(state.as_of, as_of), now);
}

static void on_loader(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	struct world *w = &s->loop.world;
	struct loader_news news;
	bool changed = false;
	(void)fd;
	(void)what;
	while (loader_take(s->loader, &news)) {
		switch (news.kind) {
		case LOADER_REGISTRY:
			loader_give_back(s->loader, w->registry, NULL);
			w->registry = news.registry;
			changed = true;
			break;
		case LOADER_TERRITORY:
			loader_give_back(s->loader, NULL, w->territory);
			w->territory = news.territory;
			break;
		case LOADER_CHANGES:
			loader_apply(s->loader, w->registry, &news);
			changed = true;
			break;
		case LOADER_STATE: break;
		}
	}
	look_at_registry(s);
	if (changed && s->phase == PHASE_SERVING) {
		senders_check(s->loop.senders);
		consoles_check(s->loop.consoles);
	}
	if (s->phase == PHASE_STARTING && w->registry != NULL && w->territory != NULL &&
	    !open_doors(s)) {
		s->failed = true;
		set_phase(s, PHASE_DONE);
	}
}

/* What is degraded. */

static void look_at_keepers(struct server *s, struct wall now)
{
	struct journal_status j;
	journal_status(s->loop.keepers.journal, &j);
	health_set(&s->health, HEALTH_JOURNAL_FAILING, j.state == JOURNAL_FAILING,
	           journal_reason_name(j.reason), now);
	health_set(&s->health, HEALTH_JOURNAL_LOW, j.state == JOURNAL_LOW,
	           journal_reason_name(j.reason), now);
	if (s->loop.keepers.follower == NULL) {
		health_set(&s->health, HEALTH_POSTGRES_AWAY, true, "none is configured", now);
		return;
	}
	struct follower_status f;
	follower_status(s->loop.keepers.follower, &f);
	health_set(&s->health, HEALTH_POSTGRES_SCHEMA, f.state == FOLLOWER_SCHEMA, f.why, now);
	health_set(&s->health, HEALTH_POSTGRES_FOREIGN, f.state == FOLLOWER_FOREIGN, f.why, now);
	health_set(&s->health, HEALTH_POSTGRES_AWAY, f.state == FOLLOWER_AWAY, f.why, now);
}

static void look_at_alarm(struct server *s, struct wall now)
{
	struct alarm_status a;
	alarm_status(s->alarm, &a);
	bool failed = a.ended > 0 && a.last.end != ALARM_END_DONE;
	health_set(&s->health, HEALTH_NO_ALARM, !a.is_set || failed,
	           failed ? alarm_end_name(a.last.end) : "no alarm.command is set", now);
}

/* A node that cannot serve alarms on itself: when it stops being able to, and when a start does not
 * get there. */
static void alarm_if_not_serving(struct server *s, bool was_ready, struct mono now)
{
	bool late = s->phase == PHASE_STARTING && !s->is_start_alarmed &&
	            mono_is_due(mono_add_ms(s->began, START_MS), now);
	if (late)
		s->is_start_alarmed = true;
	else if (s->phase != PHASE_SERVING || !was_ready || health_is_ready(&s->health))
		return;
	alarm_for_state(s, health_is_on(&s->health, HEALTH_JOURNAL_FAILING)
	                           ? HEALTH_JOURNAL_FAILING
	                           : HEALTH_REGISTRY_MISSING);
}

static void on_look(struct timer *t, struct mono now)
{
	struct server *s = (struct server *)((char *)t - offsetof(struct server, look));
	struct wall wall = clock_wall();
	bool was_ready = health_is_ready(&s->health);
	look_at_keepers(s, wall);
	look_at_registry(s);
	look_at_alarm(s, wall);
	health_set(&s->health, HEALTH_CLOCK, !clock_is_synchronised(), "the kernel says so", wall);
	health_set(&s->health, HEALTH_NO_CONSOLE,
	           s->phase == PHASE_SERVING && consoles_count(s->loop.consoles) == 0, "", wall);
	health_set(&s->health, HEALTH_DESCRIPTORS, doors_are_starved(&s->doors), "", wall);
	alarm_if_not_serving(s, was_ready, now);
	char line[128];
	report_line(&s->report, line, sizeof line);
	notify_status(&s->notify, line);
	must(timer_set(s->loop.timers, t, mono_add_ms(now, LOOK_EVERY_MS)));
}

/* Signals. */

static void on_stop(evutil_socket_t signal_number, short what, void *arg)
{
	struct server *s = arg;
	(void)what;
	if (s->phase >= PHASE_DRAINING)
		return;
	log_event(LOG_LEVEL_NOTICE, "stopping", LOG_NUMBER("signal", signal_number));
	doors_stop(&s->doors);
	s->loop.is_ending = true;
	notify_stopping(&s->notify);
	set_phase(s, PHASE_DRAINING);
	s->phase_until = mono_add_ms(clock_mono(), DRAIN_MS);
}

static struct sender_settings sender_settings(const struct conf *c)
{
	struct sender_settings settings = {
		.window = c->alerts.window,
		.heartbeat_s = c->alerts.heartbeat_s,
		.links_each = c->alerts.links_each,
		.message_bytes_max = (unsigned)c->alerts.message_bytes_max,
		.warn_days = c->tls.warn_days,
	};
	TEXT_COPY(settings.node, c->node.name);
	return settings;
}

static struct console_settings console_settings(const struct conf *c)
{
	struct console_settings settings = { .heartbeat_s = c->consoles.heartbeat_s };
	TEXT_COPY(settings.node, c->node.name);
	return settings;
}

static void tell_error(void *arg, const char *sentence)
{
	(void)arg;
	log_event(LOG_LEVEL_ERROR, "configuration-error", LOG_TEXT("what", sentence));
}

static void tell_kept(void *arg, const char *name)
{
	(void)arg;
	log_event(LOG_LEVEL_WARN, "reload-needs-restart", LOG_TEXT("option", name));
}

/* All or nothing: the file and the certificates are read before anything is changed. */
static void on_reload(evutil_socket_t signal_number, short what, void *arg)
{
	struct server *s = arg;
	struct conf fresh;
	struct conf_report report = { tell_error, NULL };
	(void)signal_number;
	(void)what;
	struct doors_tls tls = { 0 };
	notify_reloading(&s->notify);
	bool ok = conf_read(s->path, &fresh, &report) && doors_tls_load(&tls, &fresh);
	if (ok) {
		conf_take(&s->conf, &fresh, tell_kept, NULL);
		log_set_level((enum log_level)s->conf.log.level);
		s->loop.world.rules = s->conf.rules;
		s->loop.keepers.policy = (enum receipt_policy)s->conf.receipt.policy;
		release_set_wait(s->loop.release, s->conf.push.unrecorded_after_ms);
		doors_take(&s->doors, &s->conf, &tls);
		struct sender_settings senders = sender_settings(&s->conf);
		struct console_settings consoles = console_settings(&s->conf);
		senders_set_settings(s->loop.senders, &senders);
		consoles_set_settings(s->loop.consoles, &consoles);
		alarm_set(s->alarm, s->conf.alarm.command, s->conf.alarm.timeout_ms);
	}
	doors_tls_done(&tls);
	stats_count(&s->stats, STATS_RELOADS, !ok, 1);
	notify_ready(&s->notify);
	log_event(ok ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, ok ? "reloaded" : "reload-refused");
}

static void on_journal(evutil_socket_t fd, short what, void *arg)
{
	struct keepers *k = &((struct server *)arg)->loop.keepers;
	(void)fd;
	(void)what;
	journal_woken(k->journal); /* release() looks at the rest */
	if (k->follower != NULL)
		follower_durable(k->follower, journal_durable(k->journal));
}

static void on_follower(evutil_socket_t fd, short what, void *arg)
{
	struct keepers *k = &((struct server *)arg)->loop.keepers;
	(void)fd;
	(void)what;
	follower_woken(k->follower);
	journal_confirm(k->journal, follower_confirmed(k->follower));
}

static bool watch(struct server *s, struct event **e, int fd, short what,
                  event_callback_fn callback)
{
	*e = event_new(s->loop.base, fd, what | EV_PERSIST, callback, s);
	return *e != NULL && event_add(*e, NULL) == 0;
}

static bool start_follower(struct server *s)
{
	char why[FOLLOWER_WHY_SIZE];
	struct follower_settings settings;
	follower_settings_default(&settings);
	settings.conninfo = s->conf.postgres.conninfo;
	settings.node = s->conf.node.id;
	settings.folder = journal_folder(s->loop.keepers.journal);
	settings.last = s->resumed.last;
	settings.epoch = s->loop.world.next.epoch;
	settings.pace_ms = s->conf.postgres.pace_ms;
	settings.connect_ms = s->conf.postgres.connect_ms;
	settings.answer_ms = s->conf.postgres.answer_ms;
	settings.queue_bytes = s->conf.postgres.queue_bytes_max;
	s->loop.keepers.follower = follower_start(&settings, why);
	if (s->loop.keepers.follower == NULL)
		log_event(LOG_LEVEL_CRIT, "follower-not-started", LOG_TEXT("why", why));
	return s->loop.keepers.follower != NULL &&
	       watch(s, &s->on_follower, follower_fd(s->loop.keepers.follower), EV_READ,
	             on_follower);
}

static bool start_loader(struct server *s)
{
	char why[LOADER_WHY_SIZE];
	struct loader_settings settings = {
		.conninfo = s->conf.postgres.conninfo,
		.state_folder = s->conf.state.folder[0] ? s->conf.state.folder : NULL,
		.disk = disk_system(),
		.connect_ms = s->conf.postgres.connect_ms,
		.answer_ms = s->conf.postgres.answer_ms,
	};
	s->loader = s->report.loader = loader_start(&settings, why);
	if (s->loader == NULL)
		log_event(LOG_LEVEL_CRIT, "loader-not-started", LOG_TEXT("why", why));
	return s->loader != NULL &&
	       watch(s, &s->on_loader, loader_fd(s->loader), EV_READ, on_loader);
}

static bool new_sessions(struct server *s)
{
	struct sender_ports sender_ports = { s, port_post, port_registry, port_heard };
	struct console_ports console_ports = {
		s, port_post, port_registry, port_territory, port_durable, port_degraded
	};
	struct sender_settings senders = sender_settings(&s->conf);
	struct console_settings consoles = console_settings(&s->conf);
	s->loop.senders = senders_new(&sender_ports, &senders);
	s->loop.consoles = consoles_new(s->loop.timers, &console_ports, &consoles);
	return s->loop.senders != NULL && s->loop.consoles != NULL;
}

static bool server_open(struct server *s)
{
	struct loop *l = &s->loop;
	struct admin_pages pages = { &s->report, report_is_healthy, report_is_ready, report_metrics,
		                     report_status };
	l->base = event_base_new();
	l->timers = l->base != NULL ? timers_new(l->base) : NULL;
	l->links = l->timers != NULL ? links_new(l->base, l->timers) : NULL;
	l->checkpointer = checkpointer_new(s->conf.journal.segment_bytes / 2);
	l->keepers.policy = (enum receipt_policy)s->conf.receipt.policy;
	l->stats = &s->stats;
	s->alarm = alarm_new(&s->stats);
	l->watch = (struct loop_watch){ s, on_alarm };
	s->look.on_due = on_look;
	if (s->alarm != NULL)
		alarm_set(s->alarm, s->conf.alarm.command, s->conf.alarm.timeout_ms);
	return s->alarm != NULL && l->links != NULL && l->checkpointer != NULL &&
	       loop_init(l, s->conf.push.unrecorded_after_ms) &&
	       world_init(&l->world, &s->conf.rules, (struct position){ s->conf.node.id, 0, 0 }) &&
	       watch(s, &s->on_term, SIGTERM, EV_SIGNAL, on_stop) &&
	       watch(s, &s->on_int, SIGINT, EV_SIGNAL, on_stop) &&
	       watch(s, &s->on_hup, SIGHUP, EV_SIGNAL, on_reload) && new_sessions(s) &&
	       doors_new(&s->doors, l, &s->conf) && open_journal(s) &&
	       doors_open_admin(&s->doors, l, &s->conf, &pages) &&
	       watch(s, &s->on_journal, journal_wake_fd(l->keepers.journal), EV_READ, on_journal) &&
	       (s->conf.postgres.conninfo[0] == '\0' || start_follower(s)) && start_loader(s) &&
	       timer_set(l->timers, &s->look, clock_mono());
}

struct server *server_new(const struct conf *conf, const char *path)
{
	struct server *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->conf = *conf;
	TEXT_COPY(s->path, path);
	if (!notify_open(&s->notify))
		log_event(LOG_LEVEL_WARN, "service-manager-unheard");
	s->report = (struct report){ .loop = &s->loop,
		                     .doors = &s->doors,
		                     .health = &s->health,
		                     .stats = &s->stats,
		                     .node = s->conf.node.name,
		                     .node_id = s->conf.node.id,
		                     .since = clock_wall() };
	s->began = clock_mono();
	set_phase(s, PHASE_STARTING);
	if (!server_open(s)) {
		server_free(s);
		return NULL;
	}
	return s;
}

void server_free(struct server *s)
{
	if (s == NULL)
		return;
	struct loop *l = &s->loop;
	struct event *events[] = { s->on_term,   s->on_int,     s->on_hup,
		                   s->on_loader, s->on_journal, s->on_follower };
	for (size_t n = 0; n < sizeof events / sizeof *events; n++)
		if (events[n] != NULL)
			event_free(events[n]);
	loader_stop(s->loader);
	if (l->timers != NULL)
		timer_clear(l->timers, &s->look);
	if (l->links != NULL)
		links_free(l->links);
	doors_free(&s->doors);
	senders_free(l->senders);
	consoles_free(l->consoles);
	follower_stop(l->keepers.follower, CLOSE_MS);
	if (l->keepers.journal != NULL && !journal_close(l->keepers.journal, CLOSE_MS))
		log_event(LOG_LEVEL_CRIT, "journal-not-drained");
	registry_free(l->world.registry);
	territory_free(l->world.territory);
	world_done(&l->world);
	loop_done(l);
	checkpointer_free(l->checkpointer);
	notify_close(&s->notify);
	alarm_free(s->alarm, ALARM_MS);
	if (l->timers != NULL)
		timers_free(l->timers);
	if (l->base != NULL)
		event_base_free(l->base);
	free(s);
}

/* The end: nothing new is taken, what was taken has its receipt, everybody is told. */
static void go_on_ending(struct server *s)
{
	struct mono now = clock_mono();
	bool late = mono_is_due(s->phase_until, now);
	if (s->phase == PHASE_DRAINING && (late || loop_is_drained(&s->loop))) {
		if (late)
			log_event(LOG_LEVEL_ERROR, "stopped-undrained",
			          LOG_NUMBER("in_flight", senders_in_flight(s->loop.senders)));
		senders_goodbye(s->loop.senders, "shutdown");
		consoles_goodbye(s->loop.consoles, "shutdown");
		checkpointer_begin(s->loop.checkpointer, &s->loop.world, s->loop.keepers.journal);
		set_phase(s, PHASE_GOODBYE);
		s->phase_until = mono_add_ms(now, GOODBYE_MS);
	} else if (s->phase == PHASE_GOODBYE && (late || links_count(s->loop.links) == 0)) {
		while (checkpointer_turn(s->loop.checkpointer, &s->loop.world,
		                         s->loop.keepers.journal, now, clock_wall()))
			;
		set_phase(s, PHASE_DONE);
	}
	s->loop.wants_turn = s->phase < PHASE_DONE && late;
	must(timer_set(s->loop.timers, &s->loop.wake, mono_add_ms(now, 20)));
}

bool server_run(struct server *s)
{
	while (s->phase != PHASE_DONE) {
		loop_turn(&s->loop);
		notify_alive(&s->notify, s->loop.turn_began);
		if (s->phase >= PHASE_DRAINING)
			go_on_ending(s);
	}
	log_event(LOG_LEVEL_NOTICE, "stopped", LOG_NUMBER("turns", s->loop.turns),
	          LOG_NUMBER("bugs", bug_count()));
	return !s->failed;
}
