#include "agent/usage/usage_users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/chores.h"
#include "agent/collect/logins.h"
#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_table.h"
#include "agent/collect/proc/proc_users.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/timer.h"
#include "roost/v1/usage.pb-c.h"
#include "rpc/invocation.h"
#include "wire/timestamp.h"
#include "wire/utf8.h"

enum {
    LOOK_USUAL_MS = 250,
    LOOK_MAX_MS = 10000,
    QUESTIONS_MAX = 8,
};

struct usage_users {
    struct usage_users_config config;
    struct list questions; /* of struct question */
    size_t count;
};

/* What one user has. */
struct share {
    char *user; /* owned; NULL: take no notice */
    uint32_t uid;
    uint64_t recent_ticks;
    uint64_t all_ticks;
    uint64_t rss_pages;
    uint32_t processes;
    uint32_t threads;
};

struct question {
    struct job job;
    struct list node;
    struct usage_users *users;     /* borrowed: its list has us */
    struct invocation *invocation; /* borrowed; NULL: the caller has gone */
    struct timer pause;
    uint64_t look_ms;

    char *user;               /* owned; "": all. Of the thread, as what follows */
    const char *root;         /* borrowed: the config's */
    struct proc_host *host;   /* owned */
    struct proc_table *first; /* owned */
    struct share *shares;     /* owned */
    size_t share_count;
    struct logins logins;
    uint64_t between_ns;
    int result;
};

struct usage_users *usage_users_new(const struct usage_users_config *config) {
    struct usage_users *users = mem_new(sizeof(*users));

    users->config = *config;
    list_init(&users->questions);
    return users;
}

static void question_free(struct question *question) {
    if (question->invocation)
        invocation_set_user(question->invocation, NULL, NULL);
    list_remove(&question->node);
    question->users->count--;
    timer_stop(&question->pause);
    for (size_t i = 0; i < question->share_count; i++)
        free(question->shares[i].user);
    free(question->shares);
    logins_done(&question->logins);
    proc_table_free(question->first);
    proc_host_free(question->host);
    free(question->user);
    free(question);
}

struct usage_users *usage_users_free(struct usage_users *users) {
    if (!users)
        return NULL;
    while (!list_is_empty(&users->questions))
        question_free(container_of(users->questions.next, struct question, node));
    free(users);
    return NULL;
}

/* --- on the thread --- */

static void look_first(struct job *job) {
    struct question *question = container_of(job, struct question, job);

    question->result = proc_host_open(question->root, &question->host);
    if (question->result < 0)
        return;
    proc_host_refresh(question->host);
    question->first = proc_table_take(question->host, NULL, NULL);
}

static int by_uid(const void *a, const void *b) {
    const struct share *one = a, *other = b;
    return one->uid < other->uid ? -1 : one->uid > other->uid;
}

static int by_use(const void *a, const void *b) {
    const struct share *one = a, *other = b;

    if (one->recent_ticks != other->recent_ticks)
        return one->recent_ticks > other->recent_ticks ? -1 : 1;
    if (one->rss_pages != other->rss_pages)
        return one->rss_pages > other->rss_pages ? -1 : 1;
    return by_uid(a, b);
}

/* Shares of the same user, which stand together, become one. */
static void merge(struct question *question) {
    struct share *shares = question->shares;
    size_t kept = 0;

    for (size_t i = 0; i < question->share_count; i++) {
        if (kept == 0 || shares[kept - 1].uid != shares[i].uid) {
            shares[kept++] = shares[i];
            continue;
        }
        shares[kept - 1].recent_ticks += shares[i].recent_ticks;
        shares[kept - 1].all_ticks += shares[i].all_ticks;
        shares[kept - 1].rss_pages += shares[i].rss_pages;
        shares[kept - 1].processes++;
        shares[kept - 1].threads += shares[i].threads;
    }
    question->share_count = kept;
}

/* One share for each process. */
static void take_shares(struct question *question, struct proc_table *table) {
    question->shares = mem_new_array(table->count + LOGINS_MAX, sizeof(struct share));
    for (size_t i = 0; i < table->count; i++) {
        struct proc_row *row = &table->rows[i];
        question->shares[question->share_count++] = (struct share) {
            .uid = proc_table_uid(question->host, row),
            .recent_ticks = row->recent_ticks,
            .all_ticks = row->user_ticks + row->system_ticks,
            .rss_pages = row->rss_pages,
            .processes = 1,
            .threads = row->threads,
        };
    }
    qsort(question->shares, question->share_count, sizeof(struct share), by_uid);
    merge(question);
}

/* Names, and users who are logged in without any process that we saw. */
static void name_shares(struct question *question) {
    struct proc_users *users = question->host->users;
    size_t with_processes = question->share_count;

    for (size_t i = 0; i < with_processes; i++)
        question->shares[i].user =
            mem_strdup(proc_users_name(users, question->shares[i].uid));
    for (size_t i = 0; i < question->logins.count; i++) {
        const struct login *login = &question->logins.items[i];
        struct share share = { 0 };
        bool is_known = false;
        for (size_t at = 0; at < question->share_count && !is_known; at++)
            is_known = strcmp(question->shares[at].user, login->user) == 0;
        if (is_known || !proc_users_find(users, login->user, &share.uid))
            continue;
        share.user = mem_strdup(login->user);
        question->shares[question->share_count++] = share;
    }
}

static void look_again(struct job *job) {
    struct question *question = container_of(job, struct question, job);

    proc_host_refresh(question->host);
    struct proc_table *table =
        proc_table_take(question->host, question->first, question->first);
    question->between_ns = table->between_ns;
    logins_read(&question->logins, question->root);
    take_shares(question, table);
    name_shares(question);
    qsort(question->shares, question->share_count, sizeof(struct share), by_use);
    proc_table_free(table);
}

/* --- on the loop --- */

/* Texts that a user or a terminal chose, as text; "" for what is none. */
static char *text_of(char *text) {
    return utf8_is_valid(slice_of_text(text)) ? text : (char *)(uintptr_t) "";
}

static void fill_login(Roost__V1__Login *out,
                       Google__Protobuf__Timestamp *since,
                       struct login *login) {
    roost__v1__login__init(out);
    out->terminal = text_of(login->terminal);
    out->host = text_of(login->from);
    out->since = timestamp_set(since, login->since_ms);
    out->pid = login->pid;
}

static void fill_user(const struct question *question,
                      const struct share *share,
                      Roost__V1__UserUsage *out) {
    const struct proc_host *host = question->host;
    double ticks = (double)host->ticks_per_s;
    double between_s = (double)question->between_ns / 1e9;

    roost__v1__user_usage__init(out);
    out->user = text_of(share->user);
    out->uid = share->uid;
    out->rss_bytes = share->rss_pages * host->page_bytes;
    out->processes = share->processes;
    out->threads = share->threads;
    out->cpu_s = (double)share->all_ticks / ticks;
    if (between_s > 0 && host->cpus > 0)
        out->cpu_percent =
            (double)share->recent_ticks / ticks / between_s / host->cpus * 100;
}

/* All messages of an answer: pointers into the arrays. */
struct answer {
    Roost__V1__UsersUsageResponse response;
    Roost__V1__UserUsage *users;
    Roost__V1__UserUsage **user_pointers;
    Roost__V1__Login *logins;
    Roost__V1__Login **login_pointers;
    Google__Protobuf__Timestamp *times;
    size_t login_count;
};

static void add_logins(struct question *question,
                       struct answer *answer,
                       Roost__V1__UserUsage *user,
                       const char *name) {
    user->logins = answer->login_pointers + answer->login_count;
    for (size_t i = 0; i < question->logins.count; i++) {
        struct login *login = &question->logins.items[i];
        size_t at = answer->login_count;
        if (strcmp(login->user, name) != 0 || at >= question->logins.count)
            continue;
        fill_login(&answer->logins[at], &answer->times[at], login);
        answer->login_pointers[answer->login_count++] = &answer->logins[at];
        user->n_logins++;
    }
}

static void send_answer(struct question *question) {
    size_t room = question->share_count + 1, login_room = question->logins.count + 1;
    struct answer answer = { 0 };

    roost__v1__users_usage_response__init(&answer.response);
    answer.users = mem_new_array(room, sizeof(*answer.users));
    answer.user_pointers = mem_new_array(room, sizeof(*answer.user_pointers));
    answer.logins = mem_new_array(login_room, sizeof(*answer.logins));
    answer.login_pointers = mem_new_array(login_room, sizeof(*answer.login_pointers));
    answer.times = mem_new_array(login_room, sizeof(*answer.times));
    answer.response.users = answer.user_pointers;
    for (size_t i = 0; i < question->share_count; i++) {
        const struct share *share = &question->shares[i];
        size_t at = answer.response.n_users;
        if (*question->user && strcmp(question->user, share->user) != 0)
            continue;
        fill_user(question, share, &answer.users[at]);
        add_logins(question, &answer, &answer.users[at], share->user);
        answer.user_pointers[answer.response.n_users++] = &answer.users[at];
    }
    invocation_reply(question->invocation, &answer.response.base);
    free(answer.users);
    free(answer.user_pointers);
    free(answer.logins);
    free(answer.login_pointers);
    free(answer.times);
}

static void reply(struct job *job) {
    struct question *question = container_of(job, struct question, job);

    if (question->invocation) {
        invocation_set_user(question->invocation, NULL, NULL);
        send_answer(question);
        question->invocation = NULL;
    }
    question_free(question);
}

static void fail(struct question *question, enum grpc_status status, const char *why) {
    struct invocation *invocation = TAKE(question->invocation);

    question_free(question);
    if (!invocation)
        return;
    invocation_set_user(invocation, NULL, NULL);
    invocation_finish(invocation, status, "%s", why);
}

static void hand_over(struct question *question) {
    if (chores_add(question->users->config.chores, &question->job) < 0)
        fail(question, GRPC_RESOURCE_EXHAUSTED,
             "this host is being asked too much: try again later");
}

static void on_pause_over(struct timer *timer) {
    struct question *question = container_of(timer, struct question, pause);

    question->job = (struct job) { .run = look_again, .done = reply };
    hand_over(question);
}

static void on_looked(struct job *job) {
    struct question *question = container_of(job, struct question, job);

    if (question->result < 0 || !question->invocation)
        fail(question, GRPC_UNAVAILABLE, "the processes of this host cannot be read");
    else
        timer_start(question->users->config.loop, &question->pause, question->look_ms);
}

static void on_gone(struct invocation *invocation, void *user) {
    struct question *question = user;
    question->invocation = NULL;
}

void usage_users_ask(struct usage_users *users,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    const Roost__V1__UsersUsageRequest *request =
        (const Roost__V1__UsersUsageRequest *)message;

    if (request->look_ms > LOOK_MAX_MS) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "look_ms: at most %d",
                          LOOK_MAX_MS);
        return;
    }
    if (users->count >= QUESTIONS_MAX) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "this host is being asked too much: try again later");
        return;
    }
    struct question *question = mem_new(sizeof(*question));
    question->job = (struct job) { .run = look_first, .done = on_looked };
    question->users = users;
    question->invocation = invocation;
    question->pause.fire = on_pause_over;
    question->look_ms = request->look_ms ? request->look_ms : LOOK_USUAL_MS;
    question->user = mem_strdup(request->user);
    question->root = users->config.root;
    list_add_tail(&users->questions, &question->node);
    users->count++;
    invocation_set_user(invocation, question, on_gone);
    hand_over(question);
}
