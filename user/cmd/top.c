/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ringwall top`: kernel and engine side by side, refreshed every second. Either may be down; then
 * the other is shown, and why.
 */
#include "cmd/cmd.h"

#include <argp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cmd/scrape.h"
#include "cmd/view.h"

enum { ROWS_MAX = 24, LABEL_MAX = 24, LINES_ONCE = 50, EVERY_MS = 1000 };

/* --- what is shown ------------------------------------------------------------------------------
 */

struct row {
	char label[LABEL_MAX];
	double value;
	bool gauge; /* has no rate */
};

/* One half of the screen at one moment. */
struct half {
	bool up;
	struct rw_error why; /* where it is not up */
	struct row rows[ROWS_MAX];
	unsigned n;
};

struct sample {
	double at_s;
	struct half kernel, engine;
	struct rw_view view; /* of the kernel, where it is up */
};

static void add_row(struct half *h, const char *label, double value, bool gauge)
{
	struct row *r = &h->rows[h->n];

	RW_BUG_ON(h->n == ROWS_MAX);
	snprintf(r->label, sizeof(r->label), "%s", label);
	r->value = value;
	r->gauge = gauge;
	h->n++;
}

/* Every counter of an outcome; those of the mode that is not on are left out, and said above. */
static void kernel_rows(struct sample *s)
{
	const uint64_t *value = (const uint64_t *)&s->view.stats;

	for (enum rw_kern_counter i = RW_KERN_N_rx; i <= RW_KERN_N_would_tx_cookie; i++) {
		bool drop = i >= RW_KERN_N_drop_malformed;
		enum rw_kern_counter real = rw_kern_counter_real(i);

		if (!drop || (real != i) == s->view.where.shadow)
			add_row(&s->kernel, rw_kern_counter_name(real), (double)value[i], false);
	}
}

static void sample_kernel(struct sample *s)
{
	s->kernel.up = !rw_view_read(&s->view, &s->kernel.why);
	if (s->kernel.up)
		kernel_rows(s);
}

/* A line of the engine's half: one metric or the sum of two. */
static const struct {
	const char *label, *metric, *and;
	bool gauge;
} engine_lines[] = {
	{"requests", "requests_total", NULL, false},
	{"active", "requests_active", NULL, true},
	{"connections", "connections_active", NULL, true},
	{"streams", "streams_total", NULL, false},
	{"answers 2xx", "answers_2xx_total", NULL, false},
	{"answers 4xx", "answers_4xx_total", NULL, false},
	{"answers 5xx", "answers_5xx_total", NULL, false},
	{"blocked", "blocked_requests_total", "blocked_answers_total", false},
	{"masked", "masked_requests_total", "masked_answers_total", false},
	{"429 over a rate", "refused_rate_total", NULL, false},
	{"wrong key", "refused_auth_total", NULL, false},
	{"bad HTTP or TLS", "http_bad_total", NULL, false},
	{"strikes", "strikes_total", NULL, false},
	{"bans", "bans_total", NULL, false},
	{"kernel events", "kernel_event_ban_drops_total", "kernel_event_rate_drops_total", false},
};

static void sample_engine(struct sample *s, const char *address)
{
	struct rw_buf b = {0};

	s->engine.up = !rw_scrape(address, &b, &s->engine.why);
	for (size_t i = 0; s->engine.up && i < sizeof(engine_lines) / sizeof(engine_lines[0]);
	     i++) {
		double value, more = 0;

		if (!rw_scrape_value(rw_buf_slice(&b), engine_lines[i].metric, &value))
			continue;
		if (engine_lines[i].and)
			rw_scrape_value(rw_buf_slice(&b), engine_lines[i].and, &more);
		add_row(&s->engine, engine_lines[i].label, value + more, engine_lines[i].gauge);
	}
	rw_buf_free(&b);
}

static void take_sample(struct sample *s, const char *address)
{
	struct timespec t;

	*s = (struct sample){0};
	clock_gettime(CLOCK_MONOTONIC, &t);
	s->at_s = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	sample_kernel(s);
	sample_engine(s, address);
}

/* --- a frame
 * -------------------------------------------------------------------------------------- */

/* The row's rate since the sample before; "" where there is none (a gauge, a first frame, a
 * restart). */
static const char *rate(const struct row *r, const struct half *before, double seconds,
			char out[24])
{
	out[0] = '\0';
	for (unsigned i = 0; before->up && !r->gauge && seconds > 0 && i < before->n; i++) {
		const struct row *b = &before->rows[i];

		if (!strcmp(b->label, r->label) && r->value >= b->value)
			snprintf(out, 24, "%.0f/s", (r->value - b->value) / seconds);
	}
	return out;
}

static void print_cell(const struct half *h, const struct half *before, double seconds, unsigned i)
{
	char text[24];

	if (i < h->n)
		printf("%-15s %12.0f %9s", h->rows[i].label, h->rows[i].value,
		       rate(&h->rows[i], before, seconds, text));
	else
		printf("%-38s", "");
}

static void print_halves(const struct sample *now, const struct sample *before)
{
	double seconds = now->at_s - before->at_s;
	unsigned n = now->kernel.n > now->engine.n ? now->kernel.n : now->engine.n;

	printf("%-15s %12s %9s   %-15s %12s %9s\n", "KERNEL", "total", "rate", "ENGINE", "total",
	       "rate");
	for (unsigned i = 0; i < n; i++) {
		print_cell(&now->kernel, &before->kernel, seconds, i);
		if (i < now->engine.n) {
			printf("   ");
			print_cell(&now->engine, &before->engine, seconds, i);
		}
		printf("\n");
	}
}

static void print_frame(const struct sample *now, const struct sample *before, const char *address,
			unsigned room)
{
	const struct rw_kern_where *w = &now->view.where;
	unsigned sources = now->view.conns_counted ? room / 4 : 0;

	if (now->kernel.up)
		printf("kernel  %s (%s)%s%s\n", w->interface, w->mode,
		       w->shadow ? ", shadow mode: drops are counted, not made" : "",
		       w->link_alive ? "" : ", THE LINK IS GONE: nothing is enforced");
	else
		printf("kernel  down: %s\n", now->kernel.why.text);
	if (now->engine.up)
		printf("engine  %s\n\n", address);
	else
		printf("engine  down: %s\n\n", now->engine.why.text);
	print_halves(now, before);
	if (!now->kernel.up)
		return;
	printf("\n");
	rw_view_print_state(&now->view);
	rw_view_print_sources(&now->view, sources);
	room -= sources;
	rw_view_print_limited(&now->view, room / 2);
	rw_view_print_bans(&now->view, room - room / 2);
}

/* --- the terminal
 * --------------------------------------------------------------------------------- */

static volatile sig_atomic_t ended;

static void on_signal(int sig)
{
	(void)sig;
	ended = 1;
}

/* Lines of the terminal that a frame leaves for sources and bans. */
static unsigned room_for_lists(const struct sample *s)
{
	unsigned used = (s->kernel.n > s->engine.n ? s->kernel.n : s->engine.n) + 17;
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row <= used)
		return 0;
	return size.ws_row - used;
}

/* Waits for the next frame; 'q', the end of input and signals end. */
static bool wait_or_quit(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	char key;

	if (poll(&in, 1, EVERY_MS) > 0 && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q'))
		return false;
	return !ended;
}

static void watch(const char *address)
{
	struct sample now, before = {0};

	do {
		take_sample(&now, address);
		printf("\033[H\033[J"); /* home, clear */
		print_frame(&now, &before, address, room_for_lists(&now));
		printf("\nq quits");
		fflush(stdout);
		rw_view_free(&before.view);
		before = now;
	} while (wait_or_quit());
	rw_view_free(&before.view);
}

/* On a screen of its own, which leaves the operator's as it was. */
static int run_on_terminal(const char *address)
{
	const struct sigaction end = {.sa_handler = on_signal};
	struct termios saved, raw;

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &saved)) {
		fprintf(stderr, "ringwall: this is not a terminal: --once prints one frame\n");
		return RW_EXIT_FAIL;
	}
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	raw = saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	printf("\033[?1049h\033[?25l");
	watch(address);
	printf("\033[?25h\033[?1049l");
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	return RW_EXIT_OK;
}

static int run_once(const char *address)
{
	struct sample now, none = {0};
	int status;

	take_sample(&now, address);
	print_frame(&now, &none, address, LINES_ONCE);
	status = now.kernel.up || now.engine.up ? RW_EXIT_OK : RW_EXIT_FAIL;
	rw_view_free(&now.view);
	return status;
}

/* --- options
 * -------------------------------------------------------------------------------------- */

struct options {
	const char *admin;
	bool once;
};

static const struct argp_option option_table[] = {
	{"admin", 'a', "ADDRESS", 0, "the engine's admin listener (default 127.0.0.1:9443)", 0},
	{"once", '1', NULL, 0, "print one frame and end; needs no terminal", 0},
	{0},
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'a':
		o->admin = arg;
		return 0;
	case '1':
		o->once = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int rw_cmd_top(int argc, char **argv)
{
	static const struct argp argp = {
		option_table,
		on_option,
		NULL,
		"Shows kernel counters, bans and engine counters side by side, "
		"every second.",
		NULL,
		NULL,
		NULL};
	struct options o = {.admin = "127.0.0.1:9443"};

	argp_err_exit_status = RW_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	return o.once ? run_once(o.admin) : run_on_terminal(o.admin);
}
