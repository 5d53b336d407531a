#include "rpc/discovery.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "grpc/health.pb-c.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "rpc/client.h"
#include "rpc/fileset.h"
#include "rpc/health.h"
#include "rpc/reflection.h"
#include "rpc/services.h"
#include "rpc/target.h"
#include "wire/pb.h"

/* Our own reflection is asked, of which a version may be switched off. */
struct rig {
    struct target target;
    struct loop *loop;
    struct services *services;
    struct health *health;
    struct reflection *reflection;
    const char *hidden; /* borrowed: part of the methods that are not there; or NULL */
    struct fileset *files;
    struct discovery *discovery;
    struct buf list;
    unsigned lists;
    unsigned ends;
    enum grpc_status status;
    enum health_status other;
};

static void start(struct target *target, struct call *call) {
    struct rig *rig = container_of(target, struct rig, target);

    if (rig->hidden && strstr(call->method, rig->hidden))
        call_finish(call, GRPC_UNIMPLEMENTED, "not here", NULL);
    else
        call_start(call, services_target(rig->services));
}

static void on_list(void *arg, char *const *names, size_t count) {
    struct rig *rig = arg;

    rig->lists++;
    for (size_t i = 0; i < count; i++)
        buf_printf(&rig->list, "%s ", names[i]);
}

static void on_done(void *arg, enum grpc_status status, const char *why) {
    struct rig *rig = arg;

    rig->ends++;
    rig->status = status;
    rig->discovery = discovery_free(rig->discovery);
}

static const char *other_service_at(void *arg, size_t i) {
    static const char *const names[] = { "z.Other", "roost.v1.Nodes" };
    return i < 2 ? names[i] : NULL;
}

static bool other_files_at(void *arg, size_t i, struct slice *ret_files) {
    *ret_files = slice_of(NULL, 0);
    return i == 0;
}

static enum health_status status_of(void *arg, const char *service) {
    const struct rig *rig = arg;
    return strcmp(service, "z.Other") == 0 ? rig->other : HEALTH_STATUS_UNKNOWN;
}

static struct target *target_of(void *arg, const char *service) {
    struct rig *rig = arg;
    return strcmp(service, "asked") == 0 ? &rig->target : NULL;
}

static void open_rig(struct rig *rig) {
    *rig = (struct rig) {
        .target.start = start,
        .loop = loop_new(),
        .services = services_new(100000),
        .files = fileset_new(),
        .other = HEALTH_STATUS_SERVING,
    };
    rig->health = health_new(rig->services);
    rig->reflection = reflection_new(rig->services);
}

static void close_rig(struct rig *rig) {
    discovery_free(rig->discovery);
    loop_settle(rig->loop);
    fileset_free(rig->files);
    reflection_free(rig->reflection);
    health_free(rig->health);
    services_free(rig->services);
    buf_done(&rig->list);
    loop_free(rig->loop);
}

static void discover(struct rig *rig) {
    struct discovery_config config = {
        .loop = rig->loop,
        .target = &rig->target,
        .fileset = rig->files,
        .on_list = on_list,
        .on_done = on_done,
        .arg = rig,
    };
    rig->discovery = discovery_new(&config);
    loop_settle(rig->loop);
}

static void services_and_their_files_are_found_by_either_version(void) {
    static const struct {
        const char *hidden;
        enum grpc_status status;
        const char *list;
    } rows[] = {
        { NULL, GRPC_OK, "roost.v1.Nodes z.Other " },
        { "v1.Server", GRPC_OK, "roost.v1.Nodes z.Other " },
        { "reflection", GRPC_UNIMPLEMENTED, "" },
    };
    static const struct reflection_others others = { other_service_at, other_files_at,
                                                     NULL };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig rig;
        open_rig(&rig);
        reflection_add_others(rig.reflection, &others);
        rig.hidden = rows[i].hidden;
        discover(&rig);
        CHECK_INT(rig.ends, 1);
        CHECK_INT(rig.status, rows[i].status);
        CHECK_TEXT(buf_text(&rig.list), rows[i].list);
        if (rows[i].status == GRPC_OK) {
            CHECK(fileset_has_service(rig.files, "roost.v1.Nodes"));
            CHECK(!fileset_missing(rig.files)); /* its imports came too */
        }
        close_rig(&rig);
    }
}

static void whoever_stops_asking_is_told_nothing(void) {
    struct rig rig;
    struct discovery_config config = {
        .on_list = on_list,
        .on_done = on_done,
        .arg = &rig,
    };

    open_rig(&rig);
    config.loop = rig.loop;
    config.target = &rig.target;
    discovery_free(discovery_new(&config));
    loop_settle(rig.loop);
    CHECK_INT(rig.lists + rig.ends, 0);
    close_rig(&rig);
}

/* --- health of others --- */

struct answer {
    enum grpc_status status;
    int serving;
    unsigned count;
};

static void on_reply(void *user,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    struct answer *answer = user;

    answer->count++;
    answer->status = status;
    if (reply)
        answer->serving =
            (int)((const Grpc__Health__V1__HealthCheckResponse *)reply)->status;
}

static struct answer check(struct rig *rig, const char *service) {
    Grpc__Health__V1__HealthCheckRequest request =
        GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct client_request call = { .method = "/grpc.health.v1.Health/Check" };
    struct answer answer = { 0 };

    request.service = pb_lend(service);
    client_unary(rig->loop, services_target(rig->services), &call, &request.base,
                 &grpc__health__v1__health_check_response__descriptor, on_reply, &answer);
    loop_settle(rig->loop);
    CHECK_INT(answer.count, 1);
    return answer;
}

static void health_answers_for_others_too(void) {
    struct rig rig;

    open_rig(&rig);
    struct health_others others = { status_of, target_of, &rig };
    CHECK_INT(check(&rig, "z.Other").status, GRPC_NOT_FOUND);
    health_add_others(rig.health, &others);
    CHECK_INT(check(&rig, "z.Other").serving, 1);
    rig.other = HEALTH_STATUS_NOT_SERVING;
    CHECK_INT(check(&rig, "z.Other").serving, 2);
    CHECK_INT(check(&rig, "").serving, 1);
    CHECK_INT(check(&rig, "nobody").status, GRPC_NOT_FOUND);
    rig.hidden = "Health"; /* who is asked has no health */
    CHECK_INT(check(&rig, "asked").status, GRPC_NOT_FOUND);
    health_stop(rig.health);
    CHECK_INT(check(&rig, "").serving, 2);
    close_rig(&rig);
}

TESTS(TEST(services_and_their_files_are_found_by_either_version),
      TEST(whoever_stops_asking_is_told_nothing),
      TEST(health_answers_for_others_too))
