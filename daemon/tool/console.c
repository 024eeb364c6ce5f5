#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "support/text.h"
#include "tool/client_options.h"
#include "tool/console_json.h"
#include "tool/console_line.h"
#include "tool/console_link.h"
#include "tool/console_session.h"
#include "tool/console_tty.h"
#include "tool/plain.h"
#include "tool/verb.h"

#define CONSOLE_PROMPT        "> "
#define CONSOLE_REDRAW_MS     1000 /* the clock and the ages of the area */
#define CONSOLE_COLUMNS_PLAIN 200  /* without a terminal */
#define CONSOLE_OPERATOR_SIZE 64   /* as the protocol takes it */

enum mode { MODE_TERMINAL, MODE_PLAIN, MODE_JSON };

struct console {
	enum mode mode;
	struct console_link *link;
	struct console_session *session;
	struct console_look look;
	struct console_tty *tty;       /* on a terminal */
	struct console_line line;      /* what is being typed; without a terminal, what was read */
	unsigned long refs;            /* lines so far */
	bool input_ended, is_skipping; /* skipping: the rest of a line that is too long */
	int signals;
	char *above; /* what will scroll by with the next drawing */
	size_t above_size;
	FILE *paper; /* it is written here */
	bool is_dirty;
	bool is_mute; /* what the session says was printed as a message already */
	struct mono drawn_at;
	bool is_over;
	int exit_code;
};

static struct console_now now(void)
{
	return (struct console_now){ clock_mono(), clock_wall() };
}

/* ---- the front: where the session's words go */

static void on_show(void *owner, const char *text)
{
	struct console *c = owner;

	if (c->mode == MODE_JSON)
		return; /* the messages themselves were printed */
	fputs(text, c->mode == MODE_TERMINAL ? c->paper : stdout);
	c->is_dirty = true;
}

static void on_say(void *owner, bool is_loud, const char *sentence)
{
	struct console *c = owner;

	if (c->mode == MODE_JSON && c->is_mute)
		return;
	if (c->mode == MODE_JSON)
		console_json_said(stderr, sentence);
	else
		console_screen_say(c->mode == MODE_TERMINAL ? c->paper : stdout, &c->look, is_loud,
				   sentence, console_session_wall(c->session, now()));
	c->is_dirty = true;
}

static void on_ring(void *owner)
{
	struct console *c = owner;

	if (c->tty != NULL)
		console_tty_ring(c->tty);
	c->is_dirty = true;
}

static bool on_send(void *owner, const Tocsin__V1__ConsoleMessage *message)
{
	struct console *c = owner;

	return console_link_send(c->link, message, clock_mono());
}

static void on_put_back(void *owner, const char *line)
{
	struct console *c = owner;

	if (c->mode == MODE_TERMINAL)
		console_line_put_back(&c->line, line);
}

/* ---- what stays in sight */

/* Half of the screen at most, and never so much that the area leaves it at the top. */
static size_t list_rows(size_t screen_rows, size_t degraded)
{
	size_t other_rows =
		4 + degraded; /* the banner, "et N autres", the line, one of the scroll */

	if (screen_rows <= other_rows)
		return 1;
	return screen_rows - other_rows < screen_rows / 2 ? screen_rows - other_rows
							  : screen_rows / 2;
}

static char *draw_area(struct console *c)
{
	struct console_now at = now();
	struct board *board = console_session_board(c->session);
	struct wall wall = console_session_wall(c->session, at);
	const struct console_status *status = console_session_status(c->session, at);
	size_t rows = list_rows(console_tty_rows(c->tty), status->degraded_count), count, size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	const struct board_entry *const *list = board_list(board, &count);
	for (size_t i = 0; i < count && i < rows; i++)
		console_screen_row(out, &c->look, board, list[i], wall);
	if (count > rows)
		fprintf(out, "    et %zu autres : list\n", count - rows);
	console_screen_banner(out, &c->look, status, wall);
	return fclose(out) == 0 ? text : NULL;
}

static void draw(struct console *c)
{
	char shown[2 * CONSOLE_COMMAND_LINE_MAX], line[sizeof shown + sizeof CONSOLE_PROMPT] = "";
	size_t columns = console_tty_columns(c->tty), column;
	char *area = draw_area(c);

	console_line_view(&c->line, columns - strlen(CONSOLE_PROMPT), shown, sizeof shown, &column);
	text_add(line, sizeof line, "%s%s", CONSOLE_PROMPT, shown);
	fflush(c->paper);
	if (!console_tty_draw(c->tty, c->above, area != NULL ? area : "", line,
			      strlen(CONSOLE_PROMPT) + column))
		c->is_over = true; /* the terminal is gone, and nobody would read on */
	free(area);
	fclose(c->paper);
	free(c->above);
	c->above = NULL;
	c->paper = open_memstream(&c->above, &c->above_size);
	c->is_dirty = false;
	c->drawn_at = clock_mono();
	if (c->paper == NULL)
		c->is_over = true, c->exit_code = VERB_REFUSED;
}

/* ---- the link */

static void print_message(struct console *c, const Tocsin__V1__DeskMessage *message)
{
	if (c->mode == MODE_JSON && !console_json_message(stdout, stderr, message))
		c->is_over = true, c->exit_code = VERB_REFUSED;
}

static void on_opened(struct console *c, Tocsin__V1__DeskMessage *message)
{
	print_message(c, message);
	if (!console_session_opened(c->session, message->welcome, now()))
		c->is_over = true, c->exit_code = VERB_REFUSED;
	tocsin__v1__desk_message__free_unpacked(message, NULL);
}

static void on_said(struct console *c, Tocsin__V1__DeskMessage *message)
{
	bool is_end = message->body_case == TOCSIN__V1__DESK_MESSAGE__BODY_END;

	print_message(c, message);
	c->is_mute = message->body_case == TOCSIN__V1__DESK_MESSAGE__BODY_ANSWER;
	console_session_message(c->session, message, now());
	c->is_mute = false;
	if (is_end) {
		console_link_resume_after(c->link, console_session_resume_after(c->session));
		console_link_is_good(c->link);
	}
	c->is_dirty = true;
}

static void on_ended(struct console *c)
{
	const char *why = console_link_why(c->link);

	if (c->mode == MODE_JSON)
		console_json_lost(stderr, why);
	console_session_lost(c->session, why, now());
}

static void read_link(struct console *c)
{
	Tocsin__V1__DeskMessage *message;

	while (!c->is_over) {
		switch (console_link_step(c->link, clock_mono(), &message)) {
		case CONSOLE_LINK_NOTHING: return;
		case CONSOLE_LINK_OPENED: on_opened(c, message); break;
		case CONSOLE_LINK_SAID: on_said(c, message); break;
		case CONSOLE_LINK_ENDED: on_ended(c); break;
		}
	}
}

/* ---- the keyboard, or a program's lines */

static void command(struct console *c, const char *line)
{
	char ref[32] = "";

	text_add(ref, sizeof ref, "%lu", ++c->refs);
	if (!console_session_command(c->session, line, ref, now()))
		c->is_over = true;
}

static void on_key(struct console *c, uint8_t byte)
{
	switch (console_line_feed(&c->line, byte)) {
	case CONSOLE_LINE_NOTHING: return;
	case CONSOLE_LINE_CHANGED: break;
	case CONSOLE_LINE_DONE:
		fprintf(c->paper, CONSOLE_PROMPT "%s\n", c->line.text);
		command(c, console_line_take(&c->line));
		break;
	case CONSOLE_LINE_REDRAW: console_tty_clear(c->tty); break;
	case CONSOLE_LINE_STOPPED: on_say(c, false, "quit quitte le poste"); break;
	case CONSOLE_LINE_FULL: console_tty_ring(c->tty); break;
	}
	c->is_dirty = true;
}

/* Lines of a program are taken as they are; one that is too long is refused whole. */
static void on_byte(struct console *c, char byte)
{
	struct console_line *l = &c->line;

	if (byte == '\n') {
		l->text[l->length] = '\0';
		if (c->is_skipping)
			c->refs++, on_say(c, false, "ligne trop longue");
		else
			command(c, l->text);
		c->is_skipping = false;
		l->length = 0;
	} else if (l->length < CONSOLE_COMMAND_LINE_MAX) {
		l->text[l->length++] = byte;
	} else {
		c->is_skipping = true;
	}
}

static void read_input(struct console *c)
{
	char bytes[512];
	ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		c->input_ended = true;
		if (c->mode == MODE_TERMINAL)
			c->is_over = true; /* the terminal is gone */
		return;
	}
	for (ssize_t i = 0; i < got && !c->is_over; i++) {
		if (c->mode == MODE_TERMINAL)
			on_key(c, (uint8_t)bytes[i]);
		else
			on_byte(c, bytes[i]);
	}
}

static void read_signal(struct console *c)
{
	struct signalfd_siginfo info;

	if (read(c->signals, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo != SIGWINCH) {
		c->is_over = true;
		return;
	}
	if (c->tty != NULL && console_tty_measure(c->tty)) {
		c->look.columns = console_tty_columns(c->tty);
		console_tty_clear(c->tty);
		c->is_dirty = true;
	}
}

/* ---- the loop */

static int wait_ms(const struct console *c, struct mono tick_due)
{
	struct mono at = clock_mono(), due = console_link_wake(c->link);

	if (mono_is_set(tick_due) && tick_due.ns < due.ns)
		due = tick_due;
	if (c->tty != NULL && mono_add_ms(c->drawn_at, CONSOLE_REDRAW_MS).ns < due.ns)
		due = mono_add_ms(c->drawn_at, CONSOLE_REDRAW_MS);
	if (due.ns <= at.ns)
		return 0;
	int64_t ms = mono_ms_between(at, due) + 1;
	return ms > 60000 ? 60000 : (int)ms;
}

static void loop(struct console *c)
{
	while (!c->is_over) {
		read_link(c);
		struct mono tick_due = console_session_tick(c->session, now());
		bool is_late = mono_ms_between(c->drawn_at, clock_mono()) >= CONSOLE_REDRAW_MS;
		if (c->tty != NULL && (c->is_dirty || is_late))
			draw(c);
		if (c->mode != MODE_TERMINAL && fflush(stdout) != 0)
			c->is_over = true, c->exit_code = VERB_REFUSED;
		struct pollfd ready[] = {
			{ .fd = console_link_fd(c->link), .events = console_link_events(c->link) },
			{ .fd = c->input_ended ? -1 : STDIN_FILENO, .events = POLLIN },
			{ .fd = c->signals, .events = POLLIN },
		};
		if (c->is_over || poll(ready, 3, wait_ms(c, tick_due)) <= 0)
			continue;
		if (ready[1].revents != 0)
			read_input(c);
		if (ready[2].revents != 0)
			read_signal(c);
	}
}

/* ---- the verb */

static struct client_options link_options;
static const char *centre, *operator_name;
static bool json;

static const struct verb_option options[] = {
	{ "centre", NULL, &centre, "ID", "whose console this is, as its certificate says" },
	{ "operator", NULL, &operator_name, "NAME", "who sits here; asked for on a terminal" },
	{ "json", &json, NULL, NULL, "for programs: a line of JSON for each revision" },
	CLIENT_OPTIONS(link_options),
	{ 0 },
};

static const struct verb_form form = {
	.arguments = "",
	.about = "A dispatcher's console for one centre. On a terminal: what happened, the open\n"
		 "incidents, and a line for commands; help lists them. Otherwise the same as\n"
		 "plain lines, with commands read from standard input.\n"
		 "\n"
		 "With --json each revision of an incident is one line of JSON on standard\n"
		 "output; all else (welcome, begin, end, recorded, answer, heartbeat, lost,\n"
		 "said) is a line of JSON on standard error. Commands come from standard input,\n"
		 "one a line, with an incident's identifier or its number in this session; an\n"
		 "answer's ref is the number of its line.",
	.options = options,
};

/* Every act and look bears it: it is asked until there is one. */
static bool ask_operator(char *out, size_t size)
{
	char typed[256];

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return false;
	do {
		fputs("Nom de l'opérateur : ", stdout);
		fflush(stdout);
		if (fgets(typed, sizeof typed, stdin) == NULL)
			return false;
		typed[strcspn(typed, "\r\n")] = '\0';
		plain_copy(out, size, typed, PLAIN_ONE_LINE);
	} while (out[strspn(out, " ")] == '\0');
	return true;
}

static bool open_signals(struct console *c)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
	signal(SIGPIPE, SIG_IGN); /* a link or a reader that goes away is an answer, not an end */
	sigprocmask(SIG_BLOCK, &set, NULL);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return c->signals >= 0;
}

static bool open_console(struct console *c, struct client *client, const char *who)
{
	struct console_front front = { c, false, on_show, on_say, on_ring, on_send, on_put_back };

	console_line_init(&c->line);
	c->link = console_link_new(client, who);
	c->tty = c->mode == MODE_TERMINAL ? console_tty_open() : NULL;
	c->look.has_colour = c->tty != NULL;
	c->look.columns = c->tty != NULL ? console_tty_columns(c->tty) : CONSOLE_COLUMNS_PLAIN;
	c->paper = open_memstream(&c->above, &c->above_size);
	front.is_person = c->tty != NULL;
	c->session = console_session_new(&front, &c->look, centre, who);
	return open_signals(c) && c->link != NULL && c->session != NULL && c->paper != NULL &&
	       (c->mode != MODE_TERMINAL || c->tty != NULL);
}

static void close_console(struct console *c)
{
	if (c->tty != NULL && c->session != NULL && c->paper != NULL)
		draw(c);
	console_tty_close(c->tty);
	console_session_free(c->session);
	console_link_free(c->link);
	if (c->paper != NULL)
		fclose(c->paper);
	free(c->above);
	if (c->signals >= 0)
		close(c->signals);
}

int console_verb(int argc, char **argv)
{
	struct console c = { .signals = -1, .exit_code = VERB_DONE };
	char who[CONSOLE_OPERATOR_SIZE], why[CLIENT_WHY_SIZE];
	bool is_usage;
	int first, exit_code;

	if (!verb_begin(&form, argc, argv, &first, &exit_code))
		return exit_code;
	if (centre == NULL)
		return verb_misuse("--centre is missing");
	if (!client_options_complete(&link_options, CLIENT_TO_CONSOLES, why))
		return verb_refuse("%s", why);
	struct client *client = client_options_open(&link_options, why, &is_usage);
	if (client == NULL)
		return is_usage ? verb_misuse("%s", why) : verb_refuse("%s", why);
	if (operator_name != NULL && !TEXT_COPY(who, operator_name)) {
		client_free(client);
		return verb_misuse("--operator: at most %d bytes", CONSOLE_OPERATOR_SIZE - 1);
	}
	if (operator_name == NULL && !ask_operator(who, sizeof who)) {
		client_free(client);
		return verb_misuse("--operator is missing, and there is no terminal to ask at");
	}
	bool is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	c.mode = json ? MODE_JSON : is_terminal ? MODE_TERMINAL : MODE_PLAIN;
	bool good = open_console(&c, client, who);
	if (good)
		loop(&c);
	close_console(&c);
	return good ? c.exit_code : verb_refuse("no memory, or no terminal");
}
