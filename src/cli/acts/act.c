#include "cli/acts/act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/hex.h"
#include "base/mem.h"
#include "cli/acts/act_tell.h"
#include "cli/acts/sign.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"
#include "cli/nodes/nodes.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/call.h"
#include "rpc/client.h"
#include "wire/headers.h"

enum {
    ID_LEN = 16,
    RETRY_FIRST_MS = 100,
    RETRY_MOST_MS = 2000,           /* somebody waits in front of it */
    APPROVAL_MS = 24 * 3600 * 1000, /* the hub's own limit is nearer */
    SIGN_MOST = 8, /* how often one deed is signed: anew when a link broke */
};

enum state { WAITING, ASKED, PAUSED, OVER };

struct doing;

/* One deed under way. */
struct attempt {
    struct doing *doing;         /* borrowed: what it is part of */
    const struct act_deed *deed; /* borrowed: the caller's */
    struct client_call *call;    /* owned; NULL unless ASKED */
    ProtobufCMessage *reply;     /* owned; NULL until it came */
    char **operation_id;         /* borrowed: the request's field; NULL: it has none */
    char *operation_before;      /* borrowed: what stood there */
    char *last_message;          /* owned; why it was not answered; or NULL */
    struct timer again;
    uint64_t pause_ms;
    enum state state;
    char *signature; /* owned; the metadata of the next call; NULL: none */
    bool waits;      /* for somebody else's signature: there is no key here */
    unsigned signed_count;
    bool is_bad;  /* the reply is not what was asked for */
    bool unclear; /* it was asked, and perhaps heard, without an answer */
    int code;     /* the exit status when OVER */
    char id[2 * ID_LEN + 1];
};

struct doing {
    struct cli *cli;             /* borrowed: the command */
    const struct act_plan *plan; /* borrowed: the caller's */
    struct act_tell tell;
    struct attempt *attempts;      /* owned */
    ProtobufCMessage **keep_reply; /* borrowed: where act_ask() wants it; or NULL */
    struct loop *loop;             /* borrowed: the command's */
    struct timer deadline;
    struct timer pause;
    size_t count;
    size_t left;
    size_t asked;
    struct sign_key key; /* when has_key */
    bool has_key;
    bool late;
    bool paused;
};

static void end(struct attempt *attempt, enum grpc_status status, const char *message) {
    const struct act_outcome outcome = {
        .deed = attempt->deed,
        .operation_id = attempt->operation_id ? attempt->id : NULL,
        .reply = attempt->reply,
        .status = status,
        .message = message,
        .unclear = attempt->unclear,
    };

    attempt->state = OVER;
    attempt->doing->left--;
    attempt->code = act_tell(&attempt->doing->tell, &outcome);
}

static void on_again(struct timer *timer) {
    struct attempt *attempt = container_of(timer, struct attempt, again);

    attempt->state = WAITING;
    loop_stop(attempt->doing->loop);
}

/* It was perhaps heard, or its node will be back: once more, in a moment. */
static void ask_again(struct attempt *attempt, const char *message) {
    free(attempt->last_message);
    attempt->last_message = mem_strdup(message);
    attempt->state = PAUSED;
    timer_start(attempt->doing->loop, &attempt->again, attempt->pause_ms);
    attempt->pause_ms =
        attempt->pause_ms * 2 < RETRY_MOST_MS ? attempt->pause_ms * 2 : RETRY_MOST_MS;
}

static void on_message(void *user, struct slice message) {
    struct attempt *attempt = user;

    if (attempt->reply ||
        pb_unpack(attempt->doing->plan->reply_type, message, &attempt->reply) != 0)
        attempt->is_bad = true;
}

/* --- signing --- */

static void sign(struct attempt *attempt, const Roost__V1__ChallengeResponse *challenge) {
    struct doing *doing = attempt->doing;
    struct buf request = { 0 };

    pb_pack(&request, attempt->deed->request);
    struct sign_question question = {
        .hub = doing->cli->profile->hub,
        .node = attempt->deed->node,
        .method = doing->plan->method,
        .request = buf_slice(&request),
    };
    int r = sign_act(&doing->key, &question, challenge, &attempt->signature);
    buf_done(&request);
    if (r == 0)
        attempt->state = WAITING;
    else
        end(attempt, GRPC_PERMISSION_DENIED, sign_error_text(r));
}

static void on_challenge(void *user,
                         enum grpc_status status,
                         const char *message,
                         const ProtobufCMessage *reply) {
    struct attempt *attempt = user;

    attempt->call = NULL;
    attempt->doing->asked--;
    loop_stop(attempt->doing->loop);
    if (status == GRPC_OK)
        sign(attempt, (const Roost__V1__ChallengeResponse *)(const void *)reply);
    else
        ask_again(attempt, message); /* and be told anew to sign */
}

static uint64_t left_ms(const struct doing *doing) {
    uint64_t now_ms = loop_now_ms(doing->loop);
    return doing->deadline.at_ms > now_ms ? doing->deadline.at_ms - now_ms : 1;
}

static void ask_for_challenge(struct attempt *attempt) {
    Roost__V1__ChallengeRequest message = ROOST__V1__CHALLENGE_REQUEST__INIT;
    struct doing *doing = attempt->doing;
    struct session *session = doing->cli->session;
    struct headers metadata;

    session_metadata(session, attempt->deed->node, &metadata);
    struct client_request request = {
        .method = "/roost.v1.Acts/Challenge",
        .metadata = &metadata,
        .timeout_ms = left_ms(doing),
    };
    message.method = (char *)doing->plan->method;
    attempt->signed_count++;
    doing->asked++;
    attempt->call =
        client_unary(doing->loop, session_target(session), &request, &message.base,
                     &roost__v1__challenge_response__descriptor, on_challenge, attempt);
    headers_done(&metadata);
}

/* The host wants it signed: with the key, if there is one, else by somebody who has one.
 */
static void begin_to_sign(struct attempt *attempt) {
    struct doing *doing = attempt->doing;

    if (!doing->has_key) {
        int r = sign_load(&doing->key);
        doing->has_key = r == 0;
        if (r == SIGN_E_NONE && !attempt->waits && args_has(doing->cli->args, "wait")) {
            attempt->waits = true;
            attempt->state = WAITING;
            return;
        }
        if (r != 0) {
            auto_(mem_freep) char *why = mem_printf(
                "it has to be signed with an operator's key: %s%s", sign_error_text(r),
                r == SIGN_E_NONE ? "; or with --wait somebody else signs it" : "");
            end(attempt, GRPC_PERMISSION_DENIED, why);
            return;
        }
    }
    ask_for_challenge(attempt);
}

static bool wants_signature(const struct attempt *attempt,
                            enum grpc_status status,
                            const struct headers *trailers) {
    return status == GRPC_UNAUTHENTICATED && attempt->signed_count < SIGN_MOST &&
           headers_get(trailers, SIGNED_ACT_TRAILER);
}

/* --- asking --- */

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct attempt *attempt = user;
    const char *delivered = headers_get(trailers, CALL_DELIVERED);

    attempt->call = NULL;
    attempt->doing->asked--;
    loop_stop(attempt->doing->loop);
    if (wants_signature(attempt, status, trailers)) {
        begin_to_sign(attempt);
        return;
    }
    if (status == GRPC_OK && (attempt->is_bad || !attempt->reply)) {
        status = GRPC_INTERNAL;
        message = "the reply is not what was asked for";
    }
    if (!message || *message == '\0')
        message = grpc_status_name((int)status);
    if (status == GRPC_DEADLINE_EXCEEDED && attempt->operation_id)
        attempt->unclear = true;
    if (delivered && strcmp(delivered, CALL_DELIVERED_NO) != 0)
        attempt->unclear |= attempt->operation_id != NULL;
    else if (!delivered || !attempt->unclear) {
        attempt->unclear &= status == GRPC_DEADLINE_EXCEEDED;
        attempt->unclear |= attempt->operation_id && status == GRPC_UNKNOWN;
        end(attempt, status, message);
        return;
    }
    attempt->reply = pb_free(attempt->reply);
    ask_again(attempt, message);
}

/* The hub holds the act until somebody says his word: there is more time for it. */
static void on_head(void *user, const struct headers *head) {
    struct attempt *attempt = user;
    struct doing *doing = attempt->doing;
    const char *id = headers_get(head, "roost-approval");

    if (!id)
        return;
    report_note("%s: waiting for roost approve %s", attempt->deed->node, id);
    if (doing->cli->timeout_ms == 0)
        timer_start(doing->loop, &doing->deadline, APPROVAL_MS);
}

static void ask(struct attempt *attempt, uint64_t left_ms) {
    static const struct client_events events = {
        .on_head = on_head,
        .on_message = on_message,
        .on_done = on_done,
    };
    struct doing *doing = attempt->doing;
    struct session *session = doing->cli->session;
    struct headers metadata;

    session_metadata(session, attempt->deed->node, &metadata);
    if (attempt->signature)
        headers_add(&metadata, SIGNED_ACT_METADATA, attempt->signature);
    free(TAKE(attempt->signature)); /* it is good for one call */
    if (attempt->waits)
        headers_add(&metadata, "roost-approval", "wait");
    struct client_request request = {
        .method = doing->plan->method,
        .metadata = &metadata,
        /* The hub may hold it; ours is the time that counts. */
        .timeout_ms = doing->cli->timeout_ms > 0 ? left_ms : left_ms + APPROVAL_MS,
    };
    attempt->state = ASKED;
    attempt->is_bad = false;
    doing->asked++;
    attempt->call =
        client_start(doing->loop, session_target(session), &request, &events, attempt);
    client_send(attempt->call, attempt->deed->request);
    client_end(attempt->call);
    headers_done(&metadata);
}

static void ask_those_that_wait(struct doing *doing) {
    for (size_t i = 0; i < doing->count && doing->asked < ACT_PARALLEL; i++)
        if (doing->attempts[i].state == WAITING)
            ask(&doing->attempts[i], left_ms(doing));
}

static void on_pause(struct timer *timer) {
    struct doing *doing = container_of(timer, struct doing, pause);

    doing->paused = false;
    loop_stop(doing->loop);
}

/* Calls on the lost connection are over. */
static void come_back(struct doing *doing) {
    uint64_t pause_ms = RETRY_FIRST_MS;

    while (!doing->late && !hub_reconnect(doing->cli, &doing->late)) {
        doing->paused = true;
        timer_start(doing->loop, &doing->pause, pause_ms);
        while (doing->paused && !doing->late)
            loop_run(doing->loop);
        timer_stop(&doing->pause);
        pause_ms = pause_ms * 2 < RETRY_MOST_MS ? pause_ms * 2 : RETRY_MOST_MS;
    }
}

static void on_deadline(struct timer *timer) {
    struct doing *doing = container_of(timer, struct doing, deadline);

    doing->late = true;
    loop_stop(doing->loop);
}

/* Time is up: what was asked without an answer is unclear, the rest was never asked. */
static void give_up(struct doing *doing) {
    for (size_t i = 0; i < doing->count; i++) {
        struct attempt *attempt = &doing->attempts[i];
        if (attempt->state == OVER)
            continue;
        if (attempt->state == ASKED && attempt->operation_id)
            attempt->unclear = true;
        attempt->call = client_cancel(attempt->call);
        timer_stop(&attempt->again);
        end(attempt, GRPC_DEADLINE_EXCEEDED,
            attempt->last_message ? attempt->last_message : "no answer came in time");
    }
}

static void work(struct doing *doing) {
    while (doing->left > 0 && !doing->late) {
        bool is_lost = session_is_lost(doing->cli->session);
        if (is_lost && doing->asked == 0) {
            come_back(doing);
            continue;
        }
        if (!is_lost)
            ask_those_that_wait(doing);
        loop_run(doing->loop);
    }
    if (doing->left > 0)
        give_up(doing);
}

static void make_id(struct attempt *attempt) {
    ProtobufCMessage *request = attempt->deed->request;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor,
                                                        "operation_id");
    uint8_t random[ID_LEN];

    if (!field)
        return;
    crypto_random(random, sizeof(random));
    hex_encode(attempt->id, random, sizeof(random));
    attempt->operation_id = (char **)(void *)((uint8_t *)request + field->offset);
    attempt->operation_before = *attempt->operation_id;
    *attempt->operation_id = attempt->id;
}

static void begin(struct doing *doing, const struct act_deed *deeds) {
    const struct cli *cli = doing->cli;
    uint64_t timeout_ms = doing->plan->timeout_ms ? doing->plan->timeout_ms : HUB_CALL_MS;

    doing->attempts = mem_new_array(doing->count, sizeof(*doing->attempts));
    for (size_t i = 0; i < doing->count; i++) {
        doing->attempts[i] = (struct attempt) {
            .doing = doing,
            .deed = &deeds[i],
            .again.fire = on_again,
            .pause_ms = RETRY_FIRST_MS,
        };
        make_id(&doing->attempts[i]);
    }
    doing->deadline.fire = on_deadline;
    doing->pause.fire = on_pause;
    timer_start(doing->loop, &doing->deadline,
                cli->timeout_ms ? cli->timeout_ms : timeout_ms);
}

static int finish(struct doing *doing) {
    size_t failed = 0;
    int last = 0;

    timer_stop(&doing->deadline);
    for (size_t i = 0; i < doing->count; i++) {
        struct attempt *attempt = &doing->attempts[i];
        if (attempt->code != REPORT_OK) {
            failed++;
            last = attempt->code;
        }
        if (doing->keep_reply && attempt->code == REPORT_OK)
            *doing->keep_reply = TAKE(attempt->reply);
        if (attempt->operation_id)
            *attempt->operation_id = attempt->operation_before;
        pb_free(attempt->reply);
        free(attempt->last_message);
        free(attempt->signature);
    }
    mem_wipe(&doing->key, sizeof(doing->key));
    act_tell_done(&doing->tell);
    free(doing->attempts);
    return report_exit_of_many(failed, doing->count, last);
}

static int run(struct cli *cli,
               const struct act_plan *plan,
               const struct act_deed *deeds,
               size_t count,
               ProtobufCMessage **keep_reply) {
    struct doing doing = {
        .cli = cli,
        .plan = plan,
        .tell = { .cli = cli, .plan = plan },
        .keep_reply = keep_reply,
        .count = count,
        .left = count,
    };

    int r = hub_connect(cli);
    if (r != 0)
        return r;
    doing.loop = cli_loop(cli);
    begin(&doing, deeds);
    work(&doing);
    return finish(&doing);
}

int act_run(struct cli *cli,
            const struct act_plan *plan,
            const struct act_deed *deeds,
            size_t count) {
    return run(cli, plan, deeds, count, NULL);
}

int act_ask(struct cli *cli,
            const struct act_plan *plan,
            const struct act_deed *deed,
            ProtobufCMessage **ret_reply) {
    return run(cli, plan, deed, 1, ret_reply);
}

int act_nodes(struct cli *cli,
              const char *verb,
              const char *text,
              Roost__V1__ListNodesResponse **ret_list) {
    if (!text || *text == '\0') /* an empty word must never mean every node */
        return cli_usage(cli, "%s: the name of a node is empty", verb);
    return nodes_some(cli, text, ret_list);
}

int act_confirm(const struct cli *cli,
                const char *act,
                const Roost__V1__ListNodesResponse *list) {
    auto_(mem_freep) const char **names = mem_new_array(list->n_nodes, sizeof(*names));

    for (size_t i = 0; i < list->n_nodes; i++)
        names[i] = list->nodes[i]->name;
    return cli_confirm(cli, act, names, list->n_nodes);
}
