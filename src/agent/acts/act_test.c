#include "agent/acts/act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/acts/acts.h"
#include "agent/acts/ledger_record.h"
#include "agent/acts/service_acts.h"
#include "agent/policy/policy.h"
#include "agent/setup/identity.h"
#include "base/check.h"
#include "base/check_folder.h"
#include "base/log.h"
#include "loop/loop.h"
#include "roost/v1/acts.pb-c.h"
#include "roost/v1/power.pb-c.h"
#include "rpc/client.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

/* An agent whose reboots are acts that the test ends. */
struct place {
    char *folder; /* owned, as all that follows */
    struct loop *loop;
    struct policy *policy;
    struct identity identity;
    struct acts *acts;
    struct services *services;
    struct act *act; /* borrowed: the newest that may be done */
    unsigned begun;
    bool at_once; /* end each act with OK as it begins */
};

/* Somebody who asks. */
struct asker {
    struct place *place;        /* borrowed: the test */
    struct client_call *client; /* owned; NULL after the end */
    enum grpc_status status;
    char *message; /* owned */
    char *remedy;  /* owned; NULL: none was told */
    struct buf reply;
    bool is_over;
};

static void on_reboot(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    const Roost__V1__PowerRequest *request =
        (const Roost__V1__PowerRequest *)(const void *)message;
    Roost__V1__PowerResponse response = ROOST__V1__POWER_RESPONSE__INIT;
    struct place *place = arg;
    struct act_question question = {
        .verb = POLICY_POWER,
        .object = "reboot",
        .operation_id = request->operation_id,
        .what = "reboot",
    };

    if (!act_begin(place->acts, invocation, &question, &place->act))
        return;
    place->begun++;
    if (place->at_once)
        act_reply(place->act, &response.base);
}

static void on_other(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    invocation_finish(invocation, GRPC_UNIMPLEMENTED, "%s", "");
}

static const struct service_method methods[] = {
    { "Reboot", SERVICE_UNARY, on_reboot }, { "Shutdown", SERVICE_UNARY, on_reboot },
    { "Cancel", SERVICE_UNARY, on_other },  { "Status", SERVICE_UNARY, on_other },
    { "Wake", SERVICE_UNARY, on_other },    { 0 },
};

static void start(struct place *place) {
    struct policy_config policy = { .state = place->folder, .system_path = "/nowhere" };
    struct service service = {
        .descriptor = &roost__v1__power__descriptor,
        .methods = methods,
        .arg = place,
    };

    log_set_level(LOG_LEVEL_ERROR);
    place->loop = loop_new();
    place->policy = policy_new(&policy);
    CHECK(!policy_trouble(place->policy));
    strcpy(place->identity.instance, "0123456789abcdef0123456789abcdef");
    struct acts_config config = {
        .loop = place->loop,
        .policy = place->policy,
        .identity = &place->identity,
        .state = place->folder,
    };
    place->acts = acts_new(&config);
    place->services = services_new(65536);
    services_add(place->services, &service);
    service_acts_add(place->services, place->acts);
}

static void stop(struct place *place) {
    acts_free(place->acts);
    services_free(place->services);
    loop_settle(place->loop);
    loop_free(place->loop);
    policy_free(place->policy);
}

static void begin(struct place *place, const char *policy) {
    *place = (struct place) { .folder = check_folder_make() };
    char *path = file_join(place->folder, "policy.conf");

    CHECK_INT(file_write_atomic(path, slice_of_text(policy), 0600), 0);
    free(path);
    start(place);
}

static void end(struct place *place) {
    stop(place);
    check_folder_remove(place->folder);
}

static void on_message(void *user, struct slice message) {
    struct asker *asker = user;
    buf_add_slice(&asker->reply, message);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct asker *asker = user;
    const char *remedy = headers_get(trailers, "roost-remedy");

    asker->client = NULL;
    asker->is_over = true;
    asker->status = status;
    asker->message = mem_strdup(message);
    asker->remedy = remedy ? mem_strdup(remedy) : NULL;
}

static void ask_method(struct asker *asker,
                       struct place *place,
                       const char *method,
                       const ProtobufCMessage *message) {
    static const struct client_events events = { .on_message = on_message,
                                                 .on_done = on_done };
    struct headers metadata;

    headers_init(&metadata);
    headers_add(&metadata, "roost-user", "ada");
    headers_add(&metadata, "roost-role", "owner");
    struct client_request request = { .method = method, .metadata = &metadata };
    *asker = (struct asker) { .place = place };
    asker->client = client_start(place->loop, services_target(place->services), &request,
                                 &events, asker);
    client_send(asker->client, message);
    client_end(asker->client);
    headers_done(&metadata);
    loop_settle(place->loop);
}

static void ask(struct asker *asker,
                struct place *place,
                const char *id,
                uint32_t delay) {
    Roost__V1__PowerRequest request = ROOST__V1__POWER_REQUEST__INIT;

    request.operation_id = (char *)id;
    request.delay_s = delay;
    ask_method(asker, place, "/roost.v1.Power/Reboot", &request.base);
}

static void done(struct asker *asker) {
    client_cancel(asker->client);
    free(asker->message);
    free(asker->remedy);
    buf_done(&asker->reply);
}

static enum grpc_status status_of(struct place *place, const char *id) {
    struct asker asker;

    ask(&asker, place, id, 0);
    CHECK(asker.is_over);
    enum grpc_status status = asker.status;
    done(&asker);
    return status;
}

/* What Acts/Get tells; STATE_UNSPECIFIED: it never came here. */
static int state_of(struct place *place, const char *id) {
    Roost__V1__GetOperationRequest request = ROOST__V1__GET_OPERATION_REQUEST__INIT;
    ProtobufCMessage *message = NULL;
    struct asker asker;
    int state = 0;

    request.operation_id = (char *)id;
    ask_method(&asker, place, "/roost.v1.Acts/Get", &request.base);
    CHECK(asker.is_over);
    if (asker.status == GRPC_OK) {
        CHECK_INT(pb_unpack(&roost__v1__operation__descriptor, buf_slice(&asker.reply),
                            &message),
                  0);
        state = (int)((const Roost__V1__Operation *)(const void *)message)->state;
    } else {
        CHECK_INT(asker.status, GRPC_NOT_FOUND);
    }
    pb_free(message);
    done(&asker);
    return state;
}

static void what_was_done_is_told_again_and_not_done_again(void) {
    Roost__V1__PowerResponse response = ROOST__V1__POWER_RESPONSE__INIT;
    struct asker first, second;
    struct place place;

    begin(&place, "allow power");
    CHECK_INT(state_of(&place, "a"), ROOST__V1__OPERATION__STATE__STATE_UNSPECIFIED);
    ask(&first, &place, "a", 0);
    CHECK(!first.is_over);
    CHECK_INT(state_of(&place, "a"), ROOST__V1__OPERATION__STATE__RUNNING);
    response.planned = (char *)"reboot";
    act_reply(place.act, &response.base);
    loop_settle(place.loop);
    CHECK_INT(first.status, GRPC_OK);
    for (int restarts = 0; restarts < 2; restarts++) {
        ask(&second, &place, "a", 0);
        CHECK_INT(second.status, GRPC_OK);
        CHECK(slice_equal(buf_slice(&first.reply), buf_slice(&second.reply)));
        CHECK(second.reply.len > 0);
        done(&second);
        CHECK_INT(state_of(&place, "a"), ROOST__V1__OPERATION__STATE__DONE);
        stop(&place);
        start(&place);
    }
    CHECK_INT(place.begun, 1);
    done(&first);
    end(&place);
}

static void a_failure_is_told_again_in_the_same_words(void) {
    struct asker first, second;
    struct place place;

    begin(&place, "allow power");
    ask(&first, &place, "a", 0);
    act_fail(place.act, GRPC_FAILED_PRECONDITION, "held by %s", "a shell");
    loop_settle(place.loop);
    ask(&second, &place, "a", 0);
    CHECK_INT(first.status, GRPC_FAILED_PRECONDITION);
    CHECK_INT(second.status, GRPC_FAILED_PRECONDITION);
    CHECK_TEXT(first.message, "held by a shell");
    CHECK_TEXT(second.message, "held by a shell");
    CHECK_INT(place.begun, 1);
    done(&first);
    done(&second);
    end(&place);
}

static void who_asks_meanwhile_waits_for_the_same_result(void) {
    Roost__V1__PowerResponse response = ROOST__V1__POWER_RESPONSE__INIT;
    struct asker first, second, third;
    struct place place;

    begin(&place, "allow power");
    ask(&first, &place, "a", 0);
    ask(&second, &place, "a", 0);
    ask(&third, &place, "a", 0);
    CHECK(!first.is_over && !second.is_over && !third.is_over);
    first.client = client_cancel(first.client); /* it goes on without him */
    third.client = client_cancel(third.client);
    loop_settle(place.loop);
    act_reply(place.act, &response.base);
    loop_settle(place.loop);
    CHECK(second.is_over);
    CHECK_INT(second.status, GRPC_OK);
    CHECK_INT(place.begun, 1);
    CHECK_INT(status_of(&place, "a"), GRPC_OK);
    done(&first);
    done(&second);
    done(&third);
    end(&place);
}

static void what_never_ended_is_called_unclear_and_not_done_again(void) {
    struct asker first, second;
    struct place place;

    begin(&place, "allow power");
    ask(&first, &place, "a", 0);
    CHECK_INT(place.begun, 1);
    first.client = client_cancel(first.client);
    stop(&place);
    start(&place);
    CHECK_INT(state_of(&place, "a"), ROOST__V1__OPERATION__STATE__UNKNOWN);
    ask(&second, &place, "a", 0);
    CHECK_INT(second.status, GRPC_UNKNOWN);
    CHECK(strstr(second.message, "the outcome is not known"));
    CHECK_INT(place.begun, 1);
    done(&first);
    done(&second);
    end(&place);
}

static void an_id_belongs_to_one_request(void) {
    Roost__V1__PowerRequest same = ROOST__V1__POWER_REQUEST__INIT;
    struct asker asker;
    struct place place;

    begin(&place, "allow power");
    for (int round = 0; round < 2; round++) { /* under way, then over */
        place.at_once = false;
        if (round == 0)
            ask(&asker, &place, "a", 0);
        else
            done(&asker);
        struct asker other;
        ask(&other, &place, "a", 60);
        CHECK_INT(other.status, GRPC_INVALID_ARGUMENT);
        done(&other);
        same.operation_id = (char *)"a";
        ask_method(&other, &place, "/roost.v1.Power/Shutdown", &same.base);
        CHECK_INT(other.status, GRPC_INVALID_ARGUMENT);
        done(&other);
        if (round == 0)
            act_fail(place.act, GRPC_ABORTED, "no");
        loop_settle(place.loop);
    }
    CHECK_INT(place.begun, 1);
    end(&place);
}

static void ids_are_short_and_plain_and_need_not_be_there(void) {
    char id[LEDGER_RECORD_ID_MAX + 2];
    struct place place;

    begin(&place, "allow power");
    place.at_once = true;
    CHECK_INT(status_of(&place, ""), GRPC_OK);
    CHECK_INT(status_of(&place, ""), GRPC_OK);
    CHECK_INT(place.begun, 2);
    memset(id, 'x', sizeof(id));
    id[LEDGER_RECORD_ID_MAX + 1] = '\0';
    CHECK_INT(status_of(&place, id), GRPC_INVALID_ARGUMENT);
    id[LEDGER_RECORD_ID_MAX] = '\0';
    CHECK_INT(status_of(&place, id), GRPC_OK);
    CHECK_INT(status_of(&place, "a b"), GRPC_INVALID_ARGUMENT);
    CHECK_INT(status_of(&place, "a\x1b"), GRPC_INVALID_ARGUMENT);
    CHECK_INT(place.begun, 3);
    end(&place);
}

static void nothing_is_done_that_cannot_be_recorded(void) {
    struct asker asker;
    struct place place;

    begin(&place, "allow power");
    char *path = file_join(place.folder, "operations");
    CHECK_INT(symlink("nowhere", path), 0);
    ask(&asker, &place, "a", 0);
    CHECK_INT(asker.status, GRPC_UNAVAILABLE);
    CHECK(strstr(asker.message, "nothing was done"));
    CHECK_INT(place.begun, 0);
    done(&asker);
    CHECK_INT(unlink(path), 0);
    place.at_once = true;
    CHECK_INT(status_of(&place, "a"), GRPC_OK);
    free(path);
    end(&place);
}

static void a_refusal_says_what_would_allow_it(void) {
    static const struct {
        const char *policy;
        const char *words;
        const char *remedy;
    } rows[] = {
        { "", "does not allow power reboot: on the host, roost-agent allow power reboot",
          "roost-agent allow power reboot" },
        { "allow power\ndeny power reb*", "denies power reboot: line 2 of ",
          "roost-agent policy" },
        { "allow power shutdown", "does not allow power reboot",
          "roost-agent allow power reboot" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct asker asker;
        struct place place;
        begin(&place, rows[i].policy);
        ask(&asker, &place, "a", 0);
        CHECK_INT(asker.status, GRPC_PERMISSION_DENIED);
        CHECK(strstr(asker.message, rows[i].words));
        CHECK_TEXT(asker.remedy, rows[i].remedy);
        CHECK_INT(place.begun, 0);
        CHECK_INT(state_of(&place, "a"), ROOST__V1__OPERATION__STATE__STATE_UNSPECIFIED);
        done(&asker);
        end(&place);
    }
}

TESTS(TEST(what_was_done_is_told_again_and_not_done_again),
      TEST(a_failure_is_told_again_in_the_same_words),
      TEST(who_asks_meanwhile_waits_for_the_same_result),
      TEST(what_never_ended_is_called_unclear_and_not_done_again),
      TEST(an_id_belongs_to_one_request),
      TEST(ids_are_short_and_plain_and_need_not_be_there),
      TEST(nothing_is_done_that_cannot_be_recorded),
      TEST(a_refusal_says_what_would_allow_it))
