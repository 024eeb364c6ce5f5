#include "run/doors.h"

#include "support/log.h"

static struct tls *load_tls(const struct conf *conf, const char *scope)
{
	char why[512];
	struct tls_files files = { conf->tls.certificate, conf->tls.key, conf->tls.authority,
		                   conf->tls.revocations };
	struct tls *t = tls_load(&files, scope, conf->tls.sessions_max, why, sizeof why);
	if (t == NULL)
		log_event(LOG_LEVEL_CRIT, "tls-not-loaded", LOG_TEXT("listener", scope),
		          LOG_TEXT("why", why));
	return t;
}

static struct listener_settings alerts_settings(const struct conf *c)
{
	return (struct listener_settings){
		.links_max = c->alerts.links_max,
		.handshakes_max = c->links.handshakes_max,
		.link = { .handshake_ms = c->links.handshake_ms,
		          .frame_ms = c->links.frame_ms,
		          .idle_ms = c->alerts.idle_s * 1000LL,
		          .write_ms = c->links.write_ms,
		          .close_ms = c->links.close_ms,
		          .message_bytes_max = c->alerts.message_bytes_max,
		          .out_bytes_max = c->alerts.out_bytes_max },
	};
}

static struct listener_settings consoles_settings(const struct conf *c)
{
	struct listener_settings settings = alerts_settings(c);
	settings.links_max = c->consoles.links_max;
	settings.link.idle_ms = c->consoles.idle_s * 1000LL;
	settings.link.out_bytes_max = c->consoles.out_bytes_max;
	return settings;
}

/* Sockets of the service manager come before the configuration's own addresses. */
static bool open_door(struct doors *d, struct listener *l, const struct conf_addresses *addresses)
{
	char why[256];
	unsigned inherited = 0;
	for (int fd; (fd = activation_take(&d->activation, listener_name(l))) >= 0; inherited++) {
		if (listener_inherit(l, fd, why, sizeof why))
			continue;
		log_event(LOG_LEVEL_CRIT, "socket-not-inherited",
		          LOG_TEXT("listener", listener_name(l)), LOG_TEXT("why", why));
		return false;
	}
	for (unsigned n = 0; inherited == 0 && n < addresses->count; n++) {
		if (listener_bind(l, addresses->list[n], why, sizeof why))
			continue;
		log_event(LOG_LEVEL_CRIT, "listener-not-bound",
		          LOG_TEXT("listener", listener_name(l)),
		          LOG_TEXT("address", addresses->list[n]), LOG_TEXT("why", why));
		return false;
	}
	return true;
}

bool doors_tls_load(struct doors_tls *t, const struct conf *conf)
{
	t->alerts = load_tls(conf, "alerts");
	t->consoles = t->alerts != NULL ? load_tls(conf, "consoles") : NULL;
	if (t->consoles == NULL)
		doors_tls_done(t);
	return t->consoles != NULL;
}

void doors_tls_done(struct doors_tls *t)
{
	if (t->alerts != NULL)
		tls_unref(t->alerts);
	if (t->consoles != NULL)
		tls_unref(t->consoles);
	*t = (struct doors_tls){ 0 };
}

bool doors_new(struct doors *d, struct loop *l, const struct conf *conf)
{
	struct doors_tls t;
	struct listener_settings alerts = alerts_settings(conf), consoles = consoles_settings(conf);
	activation_read(&d->activation);
	if (!doors_tls_load(&t, conf))
		return false;
	d->alerts = listener_new(l->base, l->timers, l->links, senders_group(l->senders), &alerts,
	                         t.alerts);
	d->consoles = listener_new(l->base, l->timers, l->links, consoles_group(l->consoles),
	                           &consoles, t.consoles);
	doors_tls_done(&t); /* the listeners hold their own */
	return d->alerts != NULL && d->consoles != NULL;
}

bool doors_open_admin(struct doors *d, struct loop *l, const struct conf *conf,
                      const struct admin_pages *pages)
{
	char why[256] = "out of memory";
	unsigned inherited = 0;
	d->admin = admin_new(l->base, l->timers, pages);
	bool ok = d->admin != NULL;
	for (int fd; ok && (fd = activation_take(&d->activation, "admin")) >= 0; inherited++)
		ok = admin_inherit(d->admin, fd, why, sizeof why);
	for (unsigned n = 0; ok && inherited == 0 && n < conf->listen.admin.count; n++)
		ok = admin_bind(d->admin, conf->listen.admin.list[n], why, sizeof why);
	if (!ok)
		log_event(LOG_LEVEL_CRIT, "admin-not-bound", LOG_TEXT("why", why));
	return ok;
}

bool doors_open(struct doors *d, const struct conf *conf)
{
	if (!open_door(d, d->consoles, &conf->listen.consoles) ||
	    !open_door(d, d->alerts, &conf->listen.alerts))
		return false;
	if (activation_close_rest(&d->activation) > 0)
		log_event(LOG_LEVEL_WARN, "socket-of-no-listener");
	return true;
}

void doors_stop(struct doors *d)
{
	listener_stop(d->alerts);
	listener_stop(d->consoles);
}

void doors_free(struct doors *d)
{
	admin_free(d->admin);
	listener_free(d->alerts);
	listener_free(d->consoles);
	activation_close_rest(&d->activation);
}

void doors_take(struct doors *d, const struct conf *conf, const struct doors_tls *t)
{
	struct listener_settings alerts = alerts_settings(conf), consoles = consoles_settings(conf);
	listener_set_settings(d->alerts, &alerts);
	listener_set_settings(d->consoles, &consoles);
	listener_set_tls(d->alerts, t->alerts);
	listener_set_tls(d->consoles, t->consoles);
}

bool doors_are_starved(const struct doors *d)
{
	return mono_is_set(listener_starved_since(d->alerts)) ||
	       mono_is_set(listener_starved_since(d->consoles));
}
