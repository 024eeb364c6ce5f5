/*
 * A client's end of the framed links: TLS 1.3 with a client certificate, frames of a 4-byte
 * big-endian length and one protobuf message. Used by the verbs alert and console.
 *
 * One connection at a time, every wait bounded by a deadline (poll), nothing in the background. The
 * server's certificate is always checked, by its address or by a given name. It never asks for a
 * passphrase, and never writes to the terminal.
 */
#ifndef TOCSIN_TOOL_CLIENT_H
#define TOCSIN_TOOL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "support/clock.h"

#define CLIENT_FRAME_MAX (1024 * 1024) /* either way; what is longer is no message of ours */
#define CLIENT_WHY_SIZE  256
#define CLIENT_PATH_SIZE 512

struct client;

/* Files in PEM. A key in a file of its own or behind the certificate. */
struct client_identity {
	char certificate[CLIENT_PATH_SIZE];
	char key[CLIENT_PATH_SIZE];
	char authority[CLIENT_PATH_SIZE];
};

enum client_status {
	CLIENT_OK,
	CLIENT_NOTHING, /* the deadline passed; the link is as good as before */
	CLIENT_LOST,    /* the link is gone; client_why() says how */
};

/* FOLDER/NAME.pem, FOLDER/NAME.key and FOLDER/ca.pem. False: a path is too long or NAME holds '/'.
 */
bool client_identity_named(struct client_identity *out, const char *folder, const char *name);

/* `address` is numeric: "127.0.0.1:7701" or "[::1]:7701". `server_name` is what the server's
 * certificate must bear; NULL: that address. Reads the identity's files once, so that a wrong one
 * is told before anything is sent. NULL, with a sentence in `why`, when something is unusable. */
struct client *client_new(const char *address, const char *server_name,
			  const struct client_identity *identity, char why[static CLIENT_WHY_SIZE]);
void client_free(struct client *c);

/* Connects and shakes hands, after dropping a connection that was up. CLIENT_NOTHING: the deadline
 * passed on the way; the next call goes on from there, and client_disconnect gives it up. Reads the
 * identity's files again, so that a renewed certificate is used from the next connection on. */
enum client_status client_connect(struct client *c, struct mono deadline);
void client_disconnect(struct client *c); /* says close_notify; fine when not connected */

/* Sends one message as a frame. CLIENT_OK or CLIENT_LOST: half a frame sent is a lost link. */
enum client_status client_send(struct client *c, const ProtobufCMessage *message,
			       struct mono deadline);

/* The next frame, whole; `*bytes` lives until the next call. A deadline that is past already asks
 * for what is here now. */
enum client_status client_receive(struct client *c, struct mono deadline, const uint8_t **bytes,
				  size_t *length);

/* After CLIENT_NOTHING: what to poll, and for what, before the same call is made again. */
int client_fd(const struct client *c); /* -1 when there is no connection */
short client_events(const struct client *c);
const char *client_why(const struct client *c); /* of the last CLIENT_LOST */

#endif
