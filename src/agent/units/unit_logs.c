#include "agent/units/unit_logs.h"

#include <stdlib.h>
#include <string.h>

#include "agent/acts/act.h"
#include "agent/systemd/systemd_bus.h"
#include "agent/systemd/systemd_logs.h"
#include "agent/units/unit_host.h"
#include "base/mem.h"
#include "rpc/invocation.h"
#include "wire/timestamp.h"

enum {
    WAITING_MAX = 65536, /* bytes on their way before a stream holds */
    GREP_MAX = 1024,     /* nobody looks for more, and each line is searched */
    CURSOR_MAX = 512,    /* systemd's have under 200 */
    PRIORITY_MAX = 7,
};

struct unit_logs {
    struct unit_host *host; /* borrowed: outlives us */
    struct list streams;
};

struct stream {
    struct list node;
    struct unit_logs *logs;        /* borrowed: its list has us */
    struct invocation *invocation; /* borrowed: until it is gone */
    struct systemd_log *log;       /* owned */
    bool is_whole;                 /* of the whole journal: each line is asked about */
    bool has_begun;
};

struct unit_logs *unit_logs_new(struct unit_host *host) {
    struct unit_logs *logs = mem_new(sizeof(*logs));

    logs->host = host;
    list_init(&logs->streams);
    return logs;
}

static void free_stream(struct stream *stream) {
    list_remove(&stream->node);
    systemd_logs_stop(stream->log);
    free(stream);
}

struct unit_logs *unit_logs_free(struct unit_logs *logs) {
    if (!logs)
        return NULL;
    list_for_each_safe(node, after, &logs->streams)
        free_stream(container_of(node, struct stream, node));
    free(logs);
    return NULL;
}

static void on_gone(struct invocation *invocation, void *user) {
    free_stream(user);
}

static struct invocation *end_stream(struct stream *stream) {
    struct invocation *invocation = stream->invocation;

    invocation_set_user(invocation, NULL, NULL);
    free_stream(stream);
    return invocation;
}

void unit_logs_stop(struct unit_logs *logs) {
    list_for_each_safe(node, after, &logs->streams)
        invocation_finish(end_stream(container_of(node, struct stream, node)),
                          GRPC_UNAVAILABLE, "the agent stops");
}

static void on_drained(struct invocation *invocation, void *user) {
    struct stream *stream = user;
    systemd_logs_go_on(stream->log);
}

static bool on_lines(void *arg, Roost__V1__LogLine *const *lines, size_t count) {
    struct stream *stream = arg;
    struct acts *acts = stream->logs->host->config.acts;

    if (!stream->has_begun)
        invocation_begin(stream->invocation);
    stream->has_begun = true;
    for (size_t i = 0; i < count; i++)
        if (!stream->is_whole || act_would(acts, POLICY_LOGS, lines[i]->unit))
            invocation_send(stream->invocation, &lines[i]->base);
    return invocation_waiting(stream->invocation) <= WAITING_MAX;
}

static void on_end(void *arg, const struct systemd_fault *fault) {
    struct stream *stream = arg;

    stream->log = NULL;
    if (fault)
        invocation_finish(end_stream(stream), fault->status, "%s", fault->text);
    else
        invocation_finish(end_stream(stream), GRPC_OK, "%s", "");
}

static uint64_t micros(const Google__Protobuf__Timestamp *time) {
    int64_t ms = timestamp_get(time);
    return ms > 0 ? (uint64_t)ms * 1000 : 0;
}

/* NULL, or what is wrong with it. */
static const char *check(const Roost__V1__LogsRequest *request,
                         char ret_name[static SYSTEMD_NAME_CAP]) {
    bool has_priority =
        request->priority_known_case == ROOST__V1__LOGS_REQUEST__PRIORITY_KNOWN_PRIORITY;

    ret_name[0] = '\0';
    if (strcmp(request->unit, "kernel") == 0)
        strcpy(ret_name, "kernel");
    else if (request->unit[0] && systemd_name_whole(request->unit, ret_name) != 0)
        return "this is no name of a unit";
    if (request->lines > SYSTEMD_JOURNAL_LINES_MAX)
        return "at most 10000 lines at a time";
    if (has_priority && request->priority > PRIORITY_MAX)
        return "priorities are 0 (emergency) to 7 (debug)";
    if (strlen(request->grep) > GREP_MAX || strlen(request->after_cursor) > CURSOR_MAX)
        return "this text to look for, or this cursor, is too long";
    return NULL;
}

static bool may(struct unit_logs *logs, struct invocation *invocation, const char *name) {
    struct acts *acts = logs->host->config.acts;

    if (act_role(invocation) < ACTOR_OPERATOR) {
        invocation_finish(invocation, GRPC_PERMISSION_DENIED,
                          "logs are for operators of this node");
        return false;
    }
    if (name[0])
        return act_may(acts, invocation, POLICY_LOGS, name);
    if (act_would(acts, POLICY_LOGS, ""))
        return true;
    act_refuse(acts, invocation, POLICY_LOGS, NULL);
    return false;
}

static void begin(struct unit_logs *logs,
                  struct invocation *invocation,
                  const struct systemd_journal_query *query) {
    struct stream *stream = mem_new(sizeof(*stream));
    struct systemd_log_events events = { on_lines, on_end, stream };

    stream->logs = logs;
    stream->invocation = invocation;
    stream->is_whole = query->unit[0] == '\0';
    list_add_tail(&logs->streams, &stream->node);
    invocation_set_user(invocation, stream, on_gone);
    invocation_on_drained(invocation, on_drained);
    stream->log = systemd_logs_read(logs->host->logs,
                                    systemd_bus_library(logs->host->bus), query, &events);
    if (!stream->log)
        invocation_finish(end_stream(stream), GRPC_RESOURCE_EXHAUSTED,
                          "%d readers of this host's journal are enough at a time",
                          SYSTEMD_LOGS_MAX);
}

void unit_logs_take(struct unit_logs *logs,
                    struct invocation *invocation,
                    const Roost__V1__LogsRequest *request) {
    char name[SYSTEMD_NAME_CAP];

    const char *wrong = check(request, name);
    if (wrong) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", wrong);
        return;
    }
    if (!may(logs, invocation, name))
        return;
    const struct systemd_fault *fault = systemd_bus_load(logs->host->bus);
    if (fault) {
        invocation_finish(invocation, fault->status, "%s", fault->text);
        return;
    }
    bool has_priority =
        request->priority_known_case == ROOST__V1__LOGS_REQUEST__PRIORITY_KNOWN_PRIORITY;
    struct systemd_journal_query query = {
        .root = logs->host->config.root,
        .unit = name,
        .grep = request->grep,
        .after_cursor = request->after_cursor,
        .since_us = micros(request->since),
        .until_us = micros(request->until),
        .lines = request->lines > 0 ? request->lines : SYSTEMD_JOURNAL_LINES,
        .priority = has_priority ? (int)request->priority : -1,
        .follow = request->follow,
        .is_user = logs->host->config.is_user,
    };
    begin(logs, invocation, &query);
}
