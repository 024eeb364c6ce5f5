#include <errno.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <openssl/err.h>

#include "wire/link_private.h"

enum link_end link_handshake_end(struct link *l, int reason)
{
	if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		return LINK_END_NO_CERTIFICATE;
	if (reason != SSL_R_CERTIFICATE_VERIFY_FAILED)
		return LINK_END_HANDSHAKE;
	l->detail = X509_verify_cert_error_string(SSL_get_verify_result(l->ssl));
	return LINK_END_UNTRUSTED;
}

static void link_opened(struct link *l)
{
	link_leave_shaking(l);
	l->state = LINK_OPEN;
	l->heard = clock_mono();
	if (tls_is_revoked(l->group->tls, l->ssl)) {
		link_close(l, LINK_END_REVOKED);
		return;
	}
	l->group->counters.opened++;
	if (SSL_session_reused(l->ssl) == 1)
		l->group->counters.resumed++;
	l->told_open = true;
	l->group->callbacks.on_open(l, l->owner);
	if (l->state == LINK_OPEN)
		link_read(l);
}

static void link_step(struct link *l)
{
	int n, error;

	l->links->handshake_steps--;
	ERR_clear_error();
	errno = 0;
	n = SSL_do_handshake(l->ssl);
	if (n == 1) {
		link_opened(l);
		return;
	}
	error = SSL_get_error(l->ssl, n);
	if (error == SSL_ERROR_WANT_WRITE) {
		event_del(&l->on_readable);
		link_watch(l, &l->on_writable);
	} else if (error != SSL_ERROR_WANT_READ) {
		link_fail_tls(l, error, errno);
	}
}

/* RFC 8446, 5.1: a client begins with a record of type 22 and a version 3.x. What begins otherwise
 * is a scanner or a client at the wrong door, and gets no answer. Decided on the bytes that are
 * there: one is enough to tell plain text. */
static void link_look(struct link *l)
{
	uint8_t head[2];
	ssize_t n = recv(l->fd, head, sizeof(head), MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		link_fail(l, n == 0 ? LINK_END_PEER_CLOSED : LINK_END_PEER_GONE);
		return;
	}
	if (head[0] != 22 || (n > 1 && head[1] != 3)) {
		link_fail(l, LINK_END_NOT_TLS);
		return;
	}
	l->ssl = tls_session_new(l->group->tls, l->fd);
	if (!l->ssl) {
		link_fail(l, LINK_END_NO_MEMORY);
		return;
	}
	l->state = LINK_SHAKING;
	link_step(l);
}

void link_shake(struct link *l)
{
	if (l->state == LINK_QUIET)
		link_look(l);
	else
		link_step(l);
}
