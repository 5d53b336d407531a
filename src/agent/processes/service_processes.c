#include "agent/processes/service_processes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/acts/act.h"
#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_order.h"
#include "agent/collect/proc/proc_rules.h"
#include "agent/collect/proc/proc_table.h"
#include "agent/collect/proc/proc_users.h"
#include "agent/processes/processes_answer.h"
#include "agent/processes/processes_kill.h"
#include "agent/processes/processes_work.h"
#include "base/mem.h"
#include "roost/v1/processes.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

enum {
    LIMIT = 1000,
    LIMIT_MAX = 10000,
    LOOK_MS = 250,
    LOOK_MAX_MS = 5000,
    TOP = 5,
    TOP_MAX = 100,
    TEXT_MAX = 256,       /* of a filter, a user, a page */
    PAGE_BYTES = 1 << 20, /* texts of one answer: clients take 4 MiB in all */
};

struct service_processes {
    struct acts *acts;           /* borrowed: the config */
    struct processes_work *work; /* owned */
};

enum kind { LIST, GET, TOP_OF };

/* One question under way. */
struct asking {
    struct processes_ask ask;
    struct invocation *invocation; /* borrowed; NULL: the caller has gone */
    enum kind kind;
    struct proc_question question; /* its filter is `filter` */
    char filter[TEXT_MAX];
    char user[TEXT_MAX];
    char page[TEXT_MAX];
    size_t limit;
    uint64_t start_ticks;
    bool command_lines;

    enum grpc_status status; /* what follows is the thread's */
    char why[TEXT_MAX];
    struct processes_answer answer;
    size_t total;
    size_t host_total;
    char next_page[32];
};

static void asking_free(struct asking *asking) {
    if (asking->invocation)
        invocation_set_user(asking->invocation, NULL, NULL);
    processes_answer_done(&asking->answer);
    free(asking);
}

/* --- on the thread --- */

/* "1000.812": behind process 812 where it stands now, or would stand, else behind so
 * many. */
static size_t find_page(const struct asking *asking,
                        struct proc_row *const *rows,
                        size_t count) {
    const struct proc_question *question = &asking->question;
    bool is_by_pid =
        question->sort == PROC_SORT_PID && !question->reverse && !question->tree;
    char *end = NULL;
    unsigned long offset = strtoul(asking->page, &end, 10);

    if (end == asking->page || *end != '.')
        return 0;
    unsigned long pid = strtoul(end + 1, NULL, 10);
    for (size_t i = 0; i < count; i++)
        if (rows[i]->pid == pid)
            return i + 1;
    for (size_t i = 0; is_by_pid && i < count; i++)
        if (rows[i]->pid > pid)
            return i;
    return offset < count ? offset : count;
}

static void list(struct asking *asking,
                 const struct processes_source *source,
                 struct proc_table *table) {
    struct proc_row **rows;
    size_t count = proc_order_rows(source->host, table, &asking->question, &rows);
    size_t at = find_page(asking, rows, count);
    size_t wanted = count - at < asking->limit ? count - at : asking->limit;

    at += processes_answer_rows(&asking->answer, source, rows + at, wanted, PAGE_BYTES);
    if (at < count)
        snprintf(asking->next_page, sizeof(asking->next_page), "%zu.%u", at,
                 rows[at - 1]->pid);
    asking->total = count;
    asking->host_total = table->count;
    free(rows);
}

static void make_list(struct asking *asking,
                      const struct processes_source *source,
                      struct proc_table *table) {
    struct proc_question *question = &asking->question;

    question->filter = asking->filter;
    question->command_lines = asking->command_lines;
    question->has_uid = asking->user[0] != '\0';
    if (question->has_uid &&
        !proc_users_find(source->host->users, asking->user, &question->uid)) {
        asking->status = GRPC_NOT_FOUND;
        snprintf(asking->why, sizeof(asking->why), "no user \"%.200s\"", asking->user);
        return;
    }
    list(asking, source, table);
}

static void make_get(struct asking *asking,
                     const struct processes_source *source,
                     struct proc_table *table) {
    struct proc_row *row = table->rows;

    if (table->count == 0) {
        asking->status = GRPC_NOT_FOUND;
        snprintf(asking->why, sizeof(asking->why), "no process %u", asking->ask.pid);
        return;
    }
    if (asking->start_ticks > 0 && row->start_ticks != asking->start_ticks) {
        asking->status = GRPC_NOT_FOUND;
        snprintf(asking->why, sizeof(asking->why),
                 "process %u is another one by now (%.100s)", row->pid, row->name);
        return;
    }
    processes_answer_rows(&asking->answer, source, &row, 1, PAGE_BYTES);
    processes_answer_detail(&asking->answer, source, row);
}

static void make_top(struct asking *asking,
                     const struct processes_source *source,
                     struct proc_table *table) {
    enum proc_sort sort = asking->question.sort;
    struct proc_row **rows = mem_new_array(table->count + 1, sizeof(*rows));
    size_t count = table->count < asking->limit ? table->count : asking->limit;

    for (size_t i = 0; i < table->count; i++)
        rows[i] = &table->rows[i];
    proc_order_sort(table, rows, table->count, sort, false);
    processes_answer_rows(&asking->answer, source, rows, count, PAGE_BYTES);
    processes_answer_groups(&asking->answer, source, sort, asking->limit);
    asking->host_total = table->count;
    free(rows);
}

static void make(struct processes_ask *ask,
                 struct proc_host *host,
                 struct proc_table *table) {
    struct asking *asking = container_of(ask, struct asking, ask);
    struct proc_rules rules;
    const struct processes_source source = {
        .host = host,
        .table = table,
        .rules = &rules,
        .command_lines = asking->command_lines,
    };

    proc_rules_read(host, &rules);
    if (asking->kind == LIST)
        make_list(asking, &source, table);
    else if (asking->kind == GET)
        make_get(asking, &source, table);
    else
        make_top(asking, &source, table);
}

/* --- on the loop --- */

static void reply_list(struct asking *asking) {
    Roost__V1__ListProcessesResponse response = ROOST__V1__LIST_PROCESSES_RESPONSE__INIT;

    response.n_processes = asking->answer.count;
    response.processes = asking->answer.pointers;
    response.total = (uint32_t)asking->total;
    response.host_total = (uint32_t)asking->host_total;
    response.next_page = asking->next_page;
    invocation_reply(asking->invocation, &response.base);
}

static void reply_top(struct asking *asking) {
    Roost__V1__TopResponse response = ROOST__V1__TOP_RESPONSE__INIT;

    response.n_processes = asking->answer.count;
    response.processes = asking->answer.pointers;
    response.n_groups = asking->answer.group_count;
    response.groups = asking->answer.group_pointers;
    response.host_total = (uint32_t)asking->host_total;
    invocation_reply(asking->invocation, &response.base);
}

static void reply(struct asking *asking, int error) {
    if (error == -ECANCELED)
        invocation_finish(asking->invocation, GRPC_UNAVAILABLE, "the agent stops");
    else if (error != 0)
        invocation_finish(asking->invocation, GRPC_INTERNAL, "/proc: %s",
                          strerror(-error));
    else if (asking->status != GRPC_OK)
        invocation_finish(asking->invocation, asking->status, "%s", asking->why);
    else if (asking->kind == LIST)
        reply_list(asking);
    else if (asking->kind == GET)
        invocation_reply(asking->invocation, &asking->answer.items[0].base);
    else
        reply_top(asking);
}

static void on_done(struct processes_ask *ask, int error) {
    struct asking *asking = container_of(ask, struct asking, ask);
    struct invocation *invocation = asking->invocation;

    if (invocation) {
        invocation_set_user(invocation, NULL, NULL);
        reply(asking, error);
    }
    asking->invocation = NULL;
    asking_free(asking);
}

static void on_gone(struct invocation *invocation, void *user) {
    struct asking *asking = user;

    (void)invocation;
    asking->invocation = NULL;
}

/* The policy was asked. Takes asking. */
static void start(struct service_processes *service,
                  struct invocation *invocation,
                  struct asking *asking) {
    asking->ask.make = make;
    asking->ask.done = on_done;
    asking->command_lines = act_role(invocation) >= ACTOR_OPERATOR &&
                            act_would(service->acts, POLICY_LOOK, "commands");
    if (processes_work_add(service->work, &asking->ask) != 0) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "%d questions about processes are under way",
                          PROCESSES_WORK_ASKS_MAX);
        asking_free(asking);
        return;
    }
    asking->invocation = invocation;
    invocation_set_user(invocation, asking, on_gone);
}

/* Ours count from the first meaning; theirs have "none" before it. */
static bool take_sort(Roost__V1__ProcessSort sort,
                      enum proc_sort fallback,
                      enum proc_sort *ret_sort) {
    if (sort > ROOST__V1__PROCESS_SORT__PROCESS_SORT_TIME)
        return false;
    *ret_sort = sort ? (enum proc_sort)(sort - 1) : fallback;
    return true;
}

static bool take_text(char to[static TEXT_MAX], const char *from) {
    if (strlen(from) >= TEXT_MAX)
        return false;
    memcpy(to, from, strlen(from) + 1);
    return true;
}

static const char *read_list(struct asking *asking,
                             const Roost__V1__ListProcessesRequest *request) {
    struct proc_question *question = &asking->question;

    if (!take_sort(request->sort, PROC_SORT_PID, &question->sort))
        return "no such order";
    if (!take_text(asking->filter, request->filter) ||
        !take_text(asking->user, request->user) ||
        !take_text(asking->page, request->page))
        return "filter, user and page have at most 255 bytes";
    if (request->limit > LIMIT_MAX)
        return "limit: at most 10000";
    if (request->look_ms > LOOK_MAX_MS)
        return "look_ms: at most 5000";
    question->reverse = request->reverse;
    question->tree = request->tree;
    question->kernel_threads = request->kernel_threads;
    asking->limit = request->limit ? request->limit : LIMIT;
    asking->ask.look = PROCESSES_LOOK_ALL;
    asking->ask.apart_ms = request->look_ms;
    return NULL;
}

static const char *read_top(struct asking *asking, const Roost__V1__TopRequest *request) {
    if (!take_sort(request->sort, PROC_SORT_CPU, &asking->question.sort) ||
        (asking->question.sort != PROC_SORT_CPU &&
         asking->question.sort != PROC_SORT_MEMORY))
        return "sort: by CPU or by memory";
    if (request->count > TOP_MAX)
        return "count: at most 100";
    if (request->look_ms > LOOK_MAX_MS)
        return "look_ms: at most 5000";
    asking->limit = request->count ? request->count : TOP;
    asking->ask.look = PROCESSES_LOOK_ALL;
    asking->ask.apart_ms = request->look_ms ? request->look_ms : LOOK_MS;
    return NULL;
}

/* Starts it, or says what is wrong with the question. Takes asking. */
static void start_or_refuse(struct service_processes *service,
                            struct invocation *invocation,
                            struct asking *asking,
                            const char *wrong) {
    if (!wrong) {
        start(service, invocation, asking);
        return;
    }
    invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", wrong);
    asking_free(asking);
}

static struct asking *asking_new(enum kind kind) {
    struct asking *asking = mem_new(sizeof(*asking));

    asking->kind = kind;
    return asking;
}

static void on_list(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *request) {
    struct service_processes *service = arg;

    if (!act_may(service->acts, invocation, POLICY_LOOK, "processes"))
        return;
    struct asking *asking = asking_new(LIST);
    start_or_refuse(service, invocation, asking,
                    read_list(asking, (const Roost__V1__ListProcessesRequest *)request));
}

static void on_get(void *arg,
                   struct invocation *invocation,
                   const ProtobufCMessage *message) {
    const Roost__V1__GetProcessRequest *request =
        (const Roost__V1__GetProcessRequest *)message;
    struct service_processes *service = arg;

    if (!act_may(service->acts, invocation, POLICY_LOOK, "processes"))
        return;
    struct asking *asking = asking_new(GET);
    asking->start_ticks = request->start_ticks;
    asking->ask.look = PROCESSES_LOOK_ONE;
    asking->ask.pid = request->pid;
    asking->ask.apart_ms = LOOK_MS;
    start_or_refuse(service, invocation, asking,
                    request->pid == 0 ? "pid: which process?" : NULL);
}

static void on_top(void *arg,
                   struct invocation *invocation,
                   const ProtobufCMessage *request) {
    struct service_processes *service = arg;

    if (!act_may(service->acts, invocation, POLICY_LOOK, "processes"))
        return;
    struct asking *asking = asking_new(TOP_OF);
    start_or_refuse(service, invocation, asking,
                    read_top(asking, (const Roost__V1__TopRequest *)request));
}

static void on_signal(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *request) {
    struct service_processes *service = arg;

    processes_kill_start(service->work, service->acts, invocation,
                         (const Roost__V1__SignalRequest *)request);
}

static const struct service_method methods[] = {
    { "List", SERVICE_UNARY, on_list },
    { "Get", SERVICE_UNARY, on_get },
    { "Top", SERVICE_UNARY, on_top },
    { "Signal", SERVICE_UNARY, on_signal },
    { 0 },
};

struct service_processes *service_processes_new(
    const struct service_processes_config *config) {
    struct service_processes *service = mem_new(sizeof(*service));
    const struct service row = {
        .descriptor = &roost__v1__processes__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->acts = config->acts;
    service->work = processes_work_new(config->loop, config->root ? config->root : "");
    services_add(config->services, &row);
    return service;
}

struct service_processes *service_processes_free(struct service_processes *service) {
    if (!service)
        return NULL;
    processes_work_free(service->work);
    free(service);
    return NULL;
}
