/*
 * Sockets that the service manager opened for us and hands over (sd_listen_fds(3)): descriptors
 * from 3 on, LISTEN_FDS of them, with their names in LISTEN_FDNAMES. They let connections wait
 * while the daemon is restarted. run/ gives each to the listener of its name.
 */
#ifndef TOCSIN_RUN_ACTIVATION_H
#define TOCSIN_RUN_ACTIVATION_H

#define ACTIVATION_MAX       16
#define ACTIVATION_NAME_SIZE 32

struct activation {
	unsigned count;
	struct activation_socket {
		int fd; /* -1: taken */
		char name[ACTIVATION_NAME_SIZE];
	} sockets[ACTIVATION_MAX];
};

/* Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, takes them out of the environment and marks the
 * descriptors as not for children. More than ACTIVATION_MAX are closed. */
void activation_read(struct activation *a);

/* The next one of that name, which is the caller's then; -1: none is left. */
int activation_take(struct activation *a, const char *name);

/* Closes what nobody took, and says how many that were: a name in the unit that nobody knows. */
unsigned activation_close_rest(struct activation *a);

#endif
