/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: what a turn's end does for those who gather their writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring/io.h"
#include "ring/loop.h"
#include "ring/sim.h"

struct world {
	struct rw_sim *sim;
	struct rw_loop *loop;
};

static struct world begin(void)
{
	struct world w;
	struct rw_error e;
	struct rw_io *io;
	static const struct rw_sim_knobs none;

	assert_int_equal(rw_sim_new(&w.sim, 1, &none), RW_OK);
	assert_int_equal(rw_sim_io_new(&io, w.sim, 0, 0, &e), RW_OK);
	assert_int_equal(rw_loop_new(&w.loop, io, NULL, &e), RW_OK);
	return w;
}

static void end(struct world *w)
{
	rw_loop_free(w->loop);
	rw_sim_free(w->sim);
}

struct probe {
	struct rw_task task;
	struct rw_loop *loop;
	unsigned runs;
	struct probe *cancels;
	bool again;
	char name, *log;
};

static void on_task(void *arg)
{
	struct probe *p = arg;

	p->runs++;
	if (p->log) {
		size_t n = strlen(p->log);

		p->log[n] = p->name;
		p->log[n + 1] = 0;
	}
	if (p->cancels)
		rw_task_cancel(&p->cancels->task);
	if (p->again)
		rw_task_set(p->loop, &p->task, on_task, p);
}

/* A gathered write that waited for the next event would wait for ever on an idle loop. */
static void a_task_runs_once_in_the_turn_it_was_set_in(void **state)
{
	struct world w = begin();
	struct probe p = {.loop = w.loop};

	(void)state;
	rw_task_set(w.loop, &p.task, on_task, &p);
	rw_task_set(w.loop, &p.task, on_task, &p);
	rw_loop_turn(w.loop, 0);
	assert_int_equal(p.runs, 1);
	rw_loop_turn(w.loop, 0);
	assert_int_equal(p.runs, 1);
	end(&w);
}

/* Else a task that sets itself would never let the loop see a socket again. */
static void a_task_set_by_a_task_runs_in_a_later_round(void **state)
{
	struct world w = begin();
	struct probe p = {.loop = w.loop, .again = true};

	(void)state;
	rw_task_set(w.loop, &p.task, on_task, &p);
	rw_loop_turn(w.loop, UINT64_MAX); /* must not wait: the task is set again */
	assert_int_equal(p.runs, 2);	  /* before and after the wait */
	p.again = false;
	rw_loop_turn(w.loop, UINT64_MAX);
	assert_int_equal(p.runs, 3);
	end(&w);
}

static void tasks_run_in_order_and_cancelled_ones_do_not(void **state)
{
	struct world w = begin();
	char log[8] = "";
	struct probe a = {.loop = w.loop, .name = 'a', .log = log};
	struct probe b = {.loop = w.loop, .name = 'b', .log = log};
	struct probe c = {.loop = w.loop, .name = 'c', .log = log};
	struct probe d = {.loop = w.loop, .name = 'd', .log = log};

	(void)state;
	a.cancels = &c;
	d.cancels = &d; /* itself, while it runs: harmless */
	rw_task_set(w.loop, &a.task, on_task, &a);
	rw_task_set(w.loop, &b.task, on_task, &b);
	rw_task_set(w.loop, &c.task, on_task, &c);
	rw_task_set(w.loop, &d.task, on_task, &d);
	rw_task_cancel(&b.task);
	rw_task_set(w.loop, &b.task, on_task, &b);
	rw_task_cancel(&b.task); /* the last of the list */
	rw_task_set(w.loop, &b.task, on_task, &b);
	rw_loop_turn(w.loop, 0);
	assert_string_equal(log, "adb");
	end(&w);
}

/* The books of an answer are kept behind it: its bytes must have been started by then. */
static void what_comes_after_finds_the_turn_s_tasks_done(void **state)
{
	struct world w = begin();
	char log[8] = "";
	struct probe first = {.loop = w.loop, .name = 'a', .log = log},
		     then = {.loop = w.loop, .name = 't', .log = log};

	(void)state;
	rw_task_after(w.loop, &first.task, on_task, &first);
	rw_task_set(w.loop, &then.task, on_task, &then);
	rw_task_set(w.loop, &first.task, on_task,
		    &first); /* it is set already, and stays where it is */
	rw_loop_turn(w.loop, UINT64_MAX);
	assert_string_equal(log, "ta");
	rw_task_after(w.loop, &first.task, on_task, &first);
	rw_task_cancel(&first.task);
	rw_loop_turn(w.loop, 0);
	assert_int_equal(first.runs, 1);
	end(&w);
}

/* What it sets in turn does not wait for the next event. */
static void a_task_set_by_what_comes_after_runs_in_the_same_turn(void **state)
{
	struct world w = begin();
	struct probe p = {.loop = w.loop, .again = true};

	(void)state;
	rw_task_after(w.loop, &p.task, on_task, &p);
	rw_loop_turn(w.loop, UINT64_MAX);
	assert_int_equal(p.runs, 2);
	p.again = false;
	rw_loop_turn(w.loop, UINT64_MAX);
	assert_int_equal(p.runs, 3);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_runs_once_in_the_turn_it_was_set_in),
		cmocka_unit_test(a_task_set_by_a_task_runs_in_a_later_round),
		cmocka_unit_test(what_comes_after_finds_the_turn_s_tasks_done),
		cmocka_unit_test(a_task_set_by_what_comes_after_runs_in_the_same_turn),
		cmocka_unit_test(tasks_run_in_order_and_cancelled_ones_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
