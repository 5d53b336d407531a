#include "hub/acts/acts.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/acts/act_text.h"
#include "hub/acts/acting_methods.h"
#include "hub/acts/approvals.h"
#include "hub/gate/underway.h"
#include "hub/nodes/registry.h"
#include "loop/loop.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/inbox.h"
#include "store/store.h"

enum {
    PREFIX_LEN = 5,    /* of a framed message */
    REFUSALS_MAX = 60, /* a minute that become activities: nobody fills the record */
    MINUTE_MS = 60 * 1000,
};

enum state { READING, HELD, KEEPING, READY, SENT };

struct acts {
    struct acts_config config;
    struct list parked; /* of struct acts_act */
    uint64_t next_id;
    bool closed;
    uint64_t refusals_from_ms;
    unsigned refusals;
};

/* One act. Its references: the call's, while it is under way; ours as the callee, while
 * it is parked; the store's, while it keeps it. */
struct acts_act {
    unsigned refs;
    struct list in_list;
    struct acts *acts;   /* borrowed: until the call ends */
    struct store *store; /* borrowed: outlives us */
    struct call *call; /* reference while parked, else borrowed; NULL when it has ended */
    struct underway_call *entry; /* borrowed: until the call ends */
    const struct acting_method *method;
    enum state state;
    struct approvals_item *item; /* borrowed: until it is decided; of HELD */
    uint64_t id;
    uint64_t begun_ns;
    char *node;     /* owned; the rest too */
    char *instance; /* of the node, as it was asked for */
    char *actor;
    char *arguments; /* NULL until it was read */
};

static void unref(struct acts_act *act) {
    if (--act->refs > 0)
        return;
    free(act->node);
    free(act->instance);
    free(act->actor);
    free(act->arguments);
    free(act);
}

/* Stops being the call's callee; its reference is the caller's now. */
static struct call *unpark(struct acts_act *act) {
    struct call *call = act->call;

    list_remove(&act->in_list);
    unref(act);
    return call;
}

/* Ends a parked call. */
static void refuse(struct acts_act *act, enum grpc_status status, const char *why) {
    act->refs++;
    call_finish(act->call, status, why, NULL);
    call_detach_callee(unpark(act));
    unref(act);
}

static void on_kept(void *arg, int result) {
    struct acts_act *act = arg;

    if (!act->entry) { /* it ended meanwhile, and was never sent */
        if (result == 0)
            store_end_act(act->store, act->id, NULL, NULL, NULL);
    } else if (result != 0) {
        act->state = READING; /* there is nothing to take back */
        refuse(act, GRPC_UNAVAILABLE, "the hub's store cannot record the act");
    } else {
        act->state = READY;
        struct target *again = act->acts->config.again;
        call_pass_on(unpark(act), again);
    }
    unref(act);
}

static void keep(struct acts_act *act) {
    struct acts *acts = act->acts;
    const struct store_act row = {
        .id = act->id = acts->next_id++,
        .time_ms = clock_wall_ms(),
        .node = act->node,
        .actor = act->actor,
        .method = act->method->method,
        .arguments = act->arguments,
    };

    act->state = KEEPING;
    act->refs++;
    int r = store_begin_act(acts->config.store, &row, on_kept, act);
    if (r == 0)
        return;
    act->refs--;
    act->state = READING;
    refuse(act, GRPC_RESOURCE_EXHAUSTED, "the hub's store is busy; try again");
}

/* Is it still the node that was asked for? */
static bool is_same_node(const struct acts_act *act) {
    const struct node *node = registry_find(act->acts->config.registry, act->node);
    return node && strcmp(node->instance, act->instance) == 0;
}

static void on_decided(void *arg,
                       const struct approvals_item *item,
                       struct slice signature,
                       const char *why) {
    struct acts_act *act = arg;
    struct buf text = { 0 };

    act->item = NULL;
    act->state = READING;
    if (item->state == APPROVALS_APPROVED && is_same_node(act)) {
        if (signature.len > 0) {
            base64_encode(&text, signature);
            headers_add(&act->call->metadata, "operator-signature-bin", buf_text(&text));
        }
        keep(act);
    } else if (item->state == APPROVALS_REJECTED) {
        buf_printf(&text, "%s rejected it%s%s", item->decided_by, why[0] ? ": " : "",
                   why);
        refuse(act, GRPC_PERMISSION_DENIED, buf_text(&text));
    } else if (item->state == APPROVALS_APPROVED) {
        refuse(act, GRPC_ABORTED, "the node is another one than was asked for");
    } else {
        refuse(act, GRPC_DEADLINE_EXCEEDED, why);
    }
    buf_done(&text);
}

/* Does the node say that it wants these acts signed ("power,power/signed")? */
static bool wants_signature(const struct acts_act *act, const struct node *node) {
    auto_(mem_freep) char *wanted = mem_printf("%s/signed", act->method->verb);
    size_t len = strlen(wanted);

    for (const char *at = node->capabilities; (at = strstr(at, wanted)); at += len)
        if ((at == node->capabilities || at[-1] == ',') &&
            (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

/* The caller was told by the node that it wants a signature, and has none. What the node
 * said when it came is perhaps not its policy any more. */
static bool waits_for_signature(const struct acts_act *act) {
    const struct headers *metadata = &act->call->metadata;
    const char *wish = headers_get(metadata, "roost-approval");

    return wish && strcmp(wish, "wait") == 0 &&
           !headers_get(metadata, "operator-signature-bin");
}

/* Tells the caller what he waits for. The reply's head is said with it, so that the node
 * cannot say in its own how it encodes: it is not to. */
static void tell_caller(struct acts_act *act) {
    struct headers head;

    headers_init(&head);
    headers_add(&head, "roost-approval", act->item->id);
    headers_remove(&act->call->metadata, "grpc-accept-encoding");
    call_reply_head(act->call, &head);
    headers_done(&head);
}

/* Holds it if somebody is to be asked: true. */
static bool hold(struct acts_act *act, struct slice request, const struct buf *json) {
    struct approvals *approvals = act->acts->config.approvals;
    const struct node *node = registry_find(act->acts->config.registry, act->node);
    const char *tag = act->method->is_harmful ? approvals_tag_of(approvals, node) : NULL;
    bool signs = waits_for_signature(act) || (tag && wants_signature(act, node));

    if (!tag && !signs)
        return false;
    const struct approvals_question question = {
        .node = node,
        .method = act->method->method,
        .request = request,
        .json = buf_text((struct buf *)(uintptr_t)json),
        .tag = tag,
        .needs_signature = signs,
        .asker = act->call->actor,
        .on_decided = on_decided,
        .arg = act,
    };
    act->item = approvals_ask(approvals, &question);
    if (!act->item) {
        refuse(act, GRPC_RESOURCE_EXHAUSTED,
               "too many acts wait for somebody's word already");
        return true;
    }
    act->state = HELD;
    if (signs) /* a challenge would not last until somebody agrees */
        headers_remove(&act->call->metadata, "operator-signature-bin");
    tell_caller(act);
    return true;
}

/* The request, whose frame is whole in these bytes; the call is refused otherwise. */
static bool unframe(struct acts_act *act, struct slice framed, struct buf *ret_message) {
    struct inbox inbox;
    struct pipe pipe;
    size_t taken;

    inbox_init(&inbox, ACTS_REQUEST_MAX);
    bool good = grpc_encoding_parse(headers_get(&act->call->metadata, "grpc-encoding"),
                                    &inbox.encoding);
    pipe_init(&pipe);
    pipe_add(&pipe, framed);
    good = good && inbox_take(&inbox, &pipe, ret_message, &taken) == 0;
    pipe_done(&pipe);
    inbox_done(&inbox);
    if (!good)
        refuse(act, GRPC_INVALID_ARGUMENT, "the request cannot be read");
    return good;
}

/* The request is whole, and stays in the call. */
static void on_request(struct acts_act *act, size_t len) {
    auto_(mem_freep) uint8_t *framed = mem_new(len);
    struct buf message = { 0 };
    struct buf json = { 0 };

    pipe_copy(&act->call->request, framed, len);
    if (unframe(act, slice_of(framed, len), &message)) {
        struct slice request = slice_of(message.data, message.len);
        act_text_json(&json, act->method, request);
        act->arguments = act_text_line(act->method, request);
        if (!registry_find(act->acts->config.registry, act->node))
            refuse(act, GRPC_NOT_FOUND, "the node has gone");
        else if (!hold(act, request, &json))
            keep(act);
    }
    buf_done(&json);
    buf_done(&message);
}

static void read_request(struct acts_act *act) {
    const struct call *call = act->call;
    uint8_t prefix[PREFIX_LEN];
    size_t len = PREFIX_LEN;

    if (call->request.len >= PREFIX_LEN) {
        pipe_copy(&call->request, prefix, PREFIX_LEN);
        len += (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 |
               (size_t)prefix[3] << 8 | prefix[4];
    }
    if (len > ACTS_REQUEST_MAX)
        refuse(act, GRPC_RESOURCE_EXHAUSTED, "the request is too long for an act");
    else if (call->request.len >= len)
        on_request(act, len);
    else if (call->request_ended)
        refuse(act, GRPC_INVALID_ARGUMENT, "the request is not whole");
}

static void on_wake(struct call *call, void *user) {
    struct acts_act *act = user;

    if (call->finished)
        call_detach_callee(unpark(act));
    else if (act->state == READING)
        read_request(act);
}

/* The node's own deadline is the caller's; and what it has begun and no result of,
 * because it was killed meanwhile, it calls unknown. */
static bool knows_its_end(int status) {
    return status != GRPC_DEADLINE_EXCEEDED && status != GRPC_UNKNOWN;
}

/* "Signal {"pid":"812"} on pi: OK in 12 ms". */
static void tell_end(struct acts_act *act, const struct call *call) {
    bool has_word = !call->cut && !call->cancelled; /* of the node */
    bool is_refused = has_word && call->status == GRPC_PERMISSION_DENIED;
    bool is_unclear =
        act->method->is_harmful && !(has_word && knows_its_end((int)call->status));
    const char *name = act->method->method;

    for (const char *at = name; *at; at++) /* "Processes/Signal" of the whole */
        if (*at == '.')
            name = at + 1;
    const struct activity_act told = {
        .kind = is_refused   ? "act.refused"
                : is_unclear ? "act.unclear"
                             : "act.ended",
        .node = act->node,
        .actor = act->actor,
        .method = act->method->method,
        .arguments = act->arguments,
        .status = (unsigned)call->status,
        .duration_us = (clock_boot_ns() - act->begun_ns) / 1000,
        .act_id = act->id,
    };
    activity_add_act(act->acts->config.activity, &told, "%s %s: %s%s%s in %llu ms%s",
                     name, act->arguments, grpc_status_name((int)call->status),
                     call->message[0] ? ": " : "", call->message,
                     (unsigned long long)(told.duration_us / 1000),
                     is_unclear ? "; whether it was done is not known" : "");
}

static void on_end(void *arg, struct underway_call *entry) {
    struct acts_act *act = entry->act;

    if (!act)
        return;
    if (act->state == HELD && act->item)
        approvals_drop(TAKE(act->item));
    else if (act->state == READY)
        store_end_act(act->acts->config.store, act->id, NULL, NULL, NULL);
    else if (act->state == SENT)
        tell_end(act, entry->call);
    act->entry = NULL;
    entry->act = NULL;
    unref(act);
}

struct acts *acts_new(const struct acts_config *config) {
    struct acts *acts = mem_new(sizeof(*acts));

    acts->config = *config;
    acts->next_id = config->last_id + 1;
    list_init(&acts->parked);
    underway_on_end(config->underway, on_end, acts);
    return acts;
}

void acts_close(struct acts *acts) {
    acts->closed = true;
    list_for_each_safe(at, after, &acts->parked)
        refuse(container_of(at, struct acts_act, in_list), GRPC_UNAVAILABLE,
               "the hub stops: the act was not begun");
}

struct acts *acts_free(struct acts *acts) {
    if (!acts)
        return NULL;
    acts_close(acts);
    free(acts);
    return NULL;
}

static void park(struct acts *acts,
                 struct underway_call *entry,
                 const struct acting_method *method,
                 const struct node *node) {
    struct acts_act *act = mem_new(sizeof(*act));
    struct call_half callee = { .on_wake = on_wake, .user = act };

    *act = (struct acts_act) {
        .refs = 2,
        .acts = acts,
        .store = acts->config.store,
        .call = entry->call,
        .entry = entry,
        .method = method,
        .node = mem_strdup(node->name),
        .instance = mem_strdup(node->instance),
        .actor = mem_strdup(entry->call->actor->name),
    };
    entry->act = act;
    list_add_tail(&acts->parked, &act->in_list);
    call_attach_callee(entry->call, &callee);
    read_request(act);
}

bool acts_take(struct acts *acts, struct call *call, const struct node *node) {
    const struct acting_method *method = acting_methods_find(call->method);
    struct underway_call *entry = underway_of(call);

    if (!method || !entry || entry->act || call->tunnel)
        return false;
    if (acts->closed)
        call_finish(call, GRPC_UNAVAILABLE,
                    "the hub is being restarted: ask again on a new connection", NULL);
    else
        park(acts, entry, method, node);
    return true;
}

void acts_send(struct call *call) {
    struct underway_call *entry = underway_of(call);

    if (!entry || !entry->act)
        return;
    if (entry->act->state == READY)
        entry->act->begun_ns = clock_boot_ns();
    entry->act->state = SENT;
}

void acts_refuse(struct acts *acts, const struct call *call, const struct node *node) {
    uint64_t now_ms = loop_now_ms(acts->config.loop);

    if (!acting_methods_find(call->method) || !call->actor)
        return;
    if (now_ms - acts->refusals_from_ms >= MINUTE_MS) {
        acts->refusals_from_ms = now_ms;
        acts->refusals = 0;
    }
    if (++acts->refusals > REFUSALS_MAX)
        return;
    const struct activity_act told = {
        .kind = "act.refused",
        .node = node->name,
        .actor = call->actor->name,
        .method = call->method,
        .status = GRPC_PERMISSION_DENIED,
    };
    activity_add_act(acts->config.activity, &told, "%s", call->message);
}

void acts_tell_unclear(struct activity *activity, const struct store_act *row) {
    const struct activity_act told = {
        .kind = "act.unclear",
        .node = row->node,
        .actor = row->actor,
        .method = row->method,
        .arguments = row->arguments,
        .status = GRPC_UNKNOWN,
        .act_id = row->id,
    };
    char when[CLOCK_TEXT_LEN];

    clock_print(row->time_ms, when);
    activity_add_act(activity, &told,
                     "%s %s of %s: the hub ended before it did; whether it was done is "
                     "not known",
                     row->method, row->arguments, when);
}
