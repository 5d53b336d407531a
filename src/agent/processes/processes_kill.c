#include "agent/processes/processes_kill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/acts/act.h"
#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_order.h"
#include "agent/collect/proc/proc_rules.h"
#include "agent/collect/proc/proc_table.h"
#include "agent/collect/proc/proc_users.h"
#include "agent/processes/process_signal.h"
#include "agent/processes/processes_answer.h"
#include "agent/processes/processes_work.h"
#include "base/buf.h"
#include "base/mem.h"
#include "rpc/invocation.h"

/* One act under way: looking, then signalling. */
struct killing {
    struct processes_ask ask;
    struct processes_work *work;   /* borrowed: it outlives this */
    struct acts *acts;             /* borrowed: likewise */
    struct invocation *invocation; /* borrowed; NULL: gone, or the act's */
    struct act *act;               /* owned; NULL until it may be done */
    char *operation_id;            /* owned */
    uint64_t start_ticks;
    int signal;
    bool force;
    bool tree;

    /* What the thread found. */
    struct processes_answer answer;
    enum grpc_status status;
    struct buf why;
    size_t done; /* how many got it */
};

static void killing_free(struct killing *killing) {
    if (killing->invocation)
        invocation_set_user(killing->invocation, NULL, NULL);
    processes_answer_done(&killing->answer);
    buf_done(&killing->why);
    free(killing->operation_id);
    free(killing);
}

/* --- on the thread --- */

static void fail(struct killing *killing, enum grpc_status status) {
    killing->status = status;
    buf_clear(&killing->why);
}

/* Itself first, then those below it. A new array. */
static struct proc_row **choose(const struct killing *killing,
                                const struct proc_host *host,
                                struct proc_table *table,
                                size_t *ret_count) {
    const struct proc_question all = { .filter = "",
                                       .tree = true,
                                       .kernel_threads = true };
    struct proc_row **rows;
    size_t total = proc_order_rows(host, table, &all, &rows);
    size_t at = 0, count = 0;

    while (at < total && rows[at]->pid != killing->ask.pid)
        at++;
    if (at < total)
        rows[count++] = rows[at];
    for (size_t i = at + 1; killing->tree && i < total; i++) {
        if (rows[i]->depth <= rows[at]->depth)
            break;
        rows[count++] = rows[i];
    }
    *ret_count = count;
    return rows;
}

static bool check_root(struct killing *killing, const struct proc_row *root) {
    if (root->start_ticks == killing->start_ticks || killing->start_ticks == 0)
        return true;
    fail(killing, GRPC_FAILED_PRECONDITION);
    buf_printf(&killing->why,
               "process %u is another one by now (%s): it was not signalled", root->pid,
               root->name);
    return false;
}

static bool check_safe(struct killing *killing,
                       const struct proc_host *host,
                       struct proc_row *const *rows,
                       size_t count) {
    struct proc_rules rules;

    proc_rules_read(host, &rules);
    for (size_t i = 0; i < count; i++) {
        const char *unsafe = proc_rules_unsafe(&rules, rows[i]);
        bool never = proc_rules_never(rows[i]);
        if (!unsafe || (killing->force && !never))
            continue;
        fail(killing, GRPC_FAILED_PRECONDITION);
        buf_printf(&killing->why, "process %u (%s) is not signalled%s: %s", rows[i]->pid,
                   rows[i]->name, never ? "" : " without force", unsafe);
        return false;
    }
    return true;
}

static void find(struct killing *killing,
                 struct proc_host *host,
                 struct proc_table *table) {
    size_t count;
    struct proc_row **rows = choose(killing, host, table, &count);
    struct proc_rules rules = { 0 };
    const struct processes_source source = {
        .host = host,
        .table = table,
        .rules = &rules,
    };

    if (count == 0) {
        fail(killing, GRPC_NOT_FOUND);
        buf_printf(&killing->why, "no process %u", killing->ask.pid);
    } else if (count > PROCESSES_KILL_MAX) {
        fail(killing, GRPC_FAILED_PRECONDITION);
        buf_printf(&killing->why, "%zu processes are more than can be signalled at once",
                   count);
    } else if (check_root(killing, rows[0]) && check_safe(killing, host, rows, count)) {
        killing->start_ticks = rows[0]->start_ticks;
    }
    if (count > 0 && count <= PROCESSES_KILL_MAX)
        processes_answer_rows(&killing->answer, &source, rows, count, SIZE_MAX);
    free(rows);
}

static void make_find(struct processes_ask *ask,
                      struct proc_host *host,
                      struct proc_table *table) {
    struct killing *killing = container_of(ask, struct killing, ask);

    if (host->self != (uint32_t)getpid()) {
        fail(killing, GRPC_FAILED_PRECONDITION);
        buf_add_text(&killing->why,
                     "the agent sees the processes of this host from another process "
                     "namespace: it cannot signal them");
        return;
    }
    find(killing, host, table);
}

/* Why one could not be signalled. */
static void explain(struct killing *killing,
                    struct proc_host *host,
                    const Roost__V1__Process *item,
                    int r) {
    bool is_denied = r == -EPERM || r == -EACCES;

    fail(killing, is_denied                     ? GRPC_PERMISSION_DENIED
                  : r == PROCESS_SIGNAL_E_GONE  ? GRPC_NOT_FOUND
                  : r == PROCESS_SIGNAL_E_OTHER ? GRPC_FAILED_PRECONDITION
                                                : GRPC_INTERNAL);
    buf_printf(&killing->why, "process %u (%s) ", item->pid, item->name);
    if (is_denied)
        buf_printf(&killing->why,
                   "belongs to %s: the agent runs as %s and may not signal it",
                   item->user, proc_users_name(host->users, geteuid()));
    else if (r == PROCESS_SIGNAL_E_GONE)
        buf_add_text(&killing->why, "has ended");
    else if (r == PROCESS_SIGNAL_E_OTHER)
        buf_add_text(&killing->why, "is another one by now: it was not signalled");
    else
        buf_printf(&killing->why, "could not be signalled: %s", strerror(-r));
}

/* Those that got it stay in the answer. Below the root, one that has ended meanwhile is
 * what was wanted. */
static void make_signals(struct processes_ask *ask,
                         struct proc_host *host,
                         struct proc_table *table) {
    struct killing *killing = container_of(ask, struct killing, ask);
    struct processes_answer *answer = &killing->answer;

    (void)table;
    for (size_t i = 0; i < answer->count; i++) {
        Roost__V1__Process *item = answer->pointers[i];
        int r = process_signal_send(host, item->pid, item->start_ticks, killing->signal);
        if (r == 0)
            answer->pointers[killing->done++] = item;
        else if (killing->status == GRPC_OK &&
                 (i == 0 || (r != PROCESS_SIGNAL_E_GONE && r != PROCESS_SIGNAL_E_OTHER)))
            explain(killing, host, item, r);
    }
    if (killing->status != GRPC_OK && killing->done > 0)
        buf_printf(&killing->why, "; %zu of %zu got the signal", killing->done,
                   answer->count);
}

/* --- on the loop --- */

static void on_signalled(struct processes_ask *ask, int error) {
    Roost__V1__SignalResponse response = ROOST__V1__SIGNAL_RESPONSE__INIT;
    struct killing *killing = container_of(ask, struct killing, ask);

    response.n_processes = killing->done;
    response.processes = killing->answer.pointers;
    if (error != 0)
        act_fail(killing->act, GRPC_INTERNAL, "/proc: %s", strerror(-error));
    else if (killing->status != GRPC_OK)
        act_fail(killing->act, killing->status, "%s", buf_text(&killing->why));
    else
        act_reply(killing->act, &response.base);
    killing_free(killing);
}

/* The one name among them that the policy says no to, or that of the root; NULL when
 * nothing was found. */
static const char *object_of(const struct killing *killing) {
    const struct processes_answer *answer = &killing->answer;

    for (size_t i = 0; i < answer->count; i++)
        if (!act_would(killing->acts, POLICY_SIGNAL, answer->items[i].name))
            return answer->items[i].name;
    return answer->count > 0 ? answer->items[0].name : NULL;
}

/* "SIGTERM to 812 (nginx) and 3 below it". A new string. */
static char *what_of(const struct killing *killing) {
    const struct processes_answer *answer = &killing->answer;
    struct buf text = { 0 };
    char name[PROCESS_SIGNAL_NAME_LEN];

    process_signal_name(killing->signal, name);
    buf_printf(&text, "%s to %u", name, killing->ask.pid);
    if (answer->count > 0)
        buf_printf(&text, " (%s)", answer->items[0].name);
    if (answer->count > 1)
        buf_printf(&text, " and %zu below it", answer->count - 1);
    return buf_take_text(&text);
}

/* The act's record answers who asks again, also for a process that has ended since; so it
 * is begun even when nothing can be done. */
static bool begin(struct killing *killing) {
    struct invocation *invocation = TAKE(killing->invocation);
    auto_(mem_freep) char *what = what_of(killing);
    const struct act_question question = {
        .verb = POLICY_SIGNAL,
        .object = object_of(killing),
        .operation_id = killing->operation_id,
        .what = what,
    };

    invocation_set_user(invocation, NULL, NULL);
    return act_begin(killing->acts, invocation, &question, &killing->act);
}

static void on_found(struct processes_ask *ask, int error) {
    struct killing *killing = container_of(ask, struct killing, ask);

    if (!killing->invocation) { /* the caller left before anything was done */
        killing_free(killing);
        return;
    }
    if (error != 0) {
        struct invocation *invocation = TAKE(killing->invocation);
        invocation_set_user(invocation, NULL, NULL);
        invocation_finish(invocation, GRPC_INTERNAL, "/proc: %s", strerror(-error));
        killing_free(killing);
        return;
    }
    if (!begin(killing)) {
        killing_free(killing);
        return;
    }
    if (killing->status != GRPC_OK) {
        act_fail(killing->act, killing->status, "%s", buf_text(&killing->why));
        killing_free(killing);
        return;
    }
    killing->ask.look = PROCESSES_LOOK_NONE;
    killing->ask.make = make_signals;
    killing->ask.done = on_signalled;
    if (processes_work_add(killing->work, &killing->ask) != 0) {
        act_fail(killing->act, GRPC_RESOURCE_EXHAUSTED,
                 "too much is asked about processes: nothing was signalled");
        killing_free(killing);
    }
}

static void on_gone(struct invocation *invocation, void *user) {
    struct killing *killing = user;

    (void)invocation;
    killing->invocation = NULL;
}

void processes_kill_start(struct processes_work *work,
                          struct acts *acts,
                          struct invocation *invocation,
                          const Roost__V1__SignalRequest *request) {
    int signal;

    if (request->pid == 0 || request->pid > INT32_MAX) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "pid: which process?");
        return;
    }
    if (!process_signal_parse(request->signal, &signal)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "signal: \"%.40s\" is none (TERM, KILL, STOP, CONT, a number)",
                          request->signal);
        return;
    }
    struct killing *killing = mem_new(sizeof(*killing));
    killing->work = work;
    killing->acts = acts;
    killing->operation_id = mem_strdup(request->operation_id);
    killing->start_ticks = request->start_ticks;
    killing->signal = signal;
    killing->force = request->force;
    killing->tree = request->tree;
    killing->ask.pid = request->pid;
    killing->ask.look = request->tree ? PROCESSES_LOOK_ALL : PROCESSES_LOOK_ONE;
    killing->ask.make = make_find;
    killing->ask.done = on_found;
    if (processes_work_add(work, &killing->ask) != 0) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "%d questions about processes are under way",
                          PROCESSES_WORK_ASKS_MAX);
        killing_free(killing);
        return;
    }
    killing->invocation = invocation;
    invocation_set_user(invocation, killing, on_gone);
}
