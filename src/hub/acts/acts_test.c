#include "hub/acts/acts.h"

#include <string.h>

#include "hub/acts/acts_testing.h"

/* --- dispatch --- */

static void an_act_goes_to_its_node_once_and_is_told(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    ask(&asker, &place, place.ada, SIGNAL, "n1");
    loop_settle(place.loop);
    CHECK_INT(count_arrived(&place), 0); /* not before it is recorded */
    struct check_call *held = arrives(&place, 1);
    CHECK_TEXT(headers_get(&held->call->metadata, "roost-user"), "ada");
    CHECK_TEXT(headers_get(&held->call->metadata, "roost-role"), "operator");
    Roost__V1__SignalRequest *request = (Roost__V1__SignalRequest *)check_target_read(
        held, &roost__v1__signal_request__descriptor);
    CHECK_INT(request->pid, 812);
    pb_free(&request->base);
    recorded(&place, "");
    done(held);
    hears(&asker, GRPC_OK, "");
    recorded(&place, "act.ended n1 ada OK\n");
    CHECK_TEXT(place.method, SIGNAL);
    CHECK_TEXT(buf_text(&place.arguments), "{\"pid\":812,\"signal\":\"TERM\"}");
    CHECK_INT(place.act_id, 41);
    CHECK(place.duration_us > 0);
    CHECK(strstr(buf_text(&place.text), "Processes/Signal {\"pid\":812"));
    CHECK_INT(count_arrived(&place), 1);
    end(&place, 0);
}

static void what_only_looks_is_no_act(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    ask(&asker, &place, place.ada, "/roost.v1.Processes/List", "n0");
    done(arrives(&place, 0));
    hears(&asker, GRPC_OK, "");
    recorded(&place, "");
    end(&place, 0);
}

static void a_request_is_read_whole_before_it_goes(void) {
    struct buf framed = { 0 };
    struct place place;
    struct asker asker;

    begin(&place);
    frame_signal(&framed);
    start(&asker, &place, place.ada, SIGNAL, "n0");
    for (size_t i = 0; i < framed.len; i++) {
        loop_settle(place.loop);
        CHECK(!asker.is_over);
        CHECK_INT(count_arrived(&place), 0);
        call_request_write(asker.call, slice_of(framed.data + i, 1));
    }
    call_request_end(asker.call);
    done(arrives(&place, 0));
    hears(&asker, GRPC_OK, "");
    recorded(&place, "act.ended n0 ada OK\n");

    for (size_t len = 0; len < framed.len; len++) {
        start(&asker, &place, place.ada, SIGNAL, "n0");
        call_request_write(asker.call, slice_of(framed.data, len));
        call_request_end(asker.call);
        hears(&asker, GRPC_INVALID_ARGUMENT, "not whole");
    }
    CHECK_INT(count_arrived(&place), 1);
    recorded(&place, "");
    buf_done(&framed);
    end(&place, 0);
}

static void what_is_no_request_goes_nowhere(void) {
    static const struct {
        const char *bytes;
        size_t len;
        enum grpc_status status;
    } rows[] = {
        { "\0\xff\xff\xff\xff", 5, GRPC_RESOURCE_EXHAUSTED },
        { "\0\0\0\xf0\0", 5, GRPC_RESOURCE_EXHAUSTED }, /* 60 KiB and the prefix */
        { "\1\0\0\0\1x", 6, GRPC_INVALID_ARGUMENT },    /* compressed, by nothing */
        { "\7\0\0\0\1x", 6, GRPC_INVALID_ARGUMENT },
    };
    struct place place;
    struct asker asker;

    begin(&place);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start(&asker, &place, place.ada, SIGNAL, "n0");
        call_request_write(asker.call, slice_of(rows[i].bytes, rows[i].len));
        hears(&asker, rows[i].status, "request");
    }
    CHECK_INT(count_arrived(&place), 0);
    recorded(&place, "");
    end(&place, 0);
}

/* --- who may, node by node --- */

static void a_fan_out_is_checked_per_node(void) {
    struct asker askers[NODES];
    struct place place;

    begin(&place);
    actor_rights_clear(place.ada->rights);
    actor_rights_add(place.ada->rights, "n0", ACTOR_OPERATOR, 0);
    actor_rights_add(place.ada->rights, "n1", ACTOR_VIEWER, 0);
    actor_rights_add(place.ada->rights, "@mine", ACTOR_OWNER, 0);
    node_add_tag(registry_find(place.registry, "n3"), "mine");
    for (int i = 0; i < NODES; i++) {
        char name[8];
        snprintf(name, sizeof(name), "n%d", i);
        ask(&askers[i], &place, place.ada, SIGNAL, name);
    }
    done(arrives(&place, 0));
    done(arrives(&place, 3));
    hears(&askers[0], GRPC_OK, "");
    hears(&askers[1], GRPC_PERMISSION_DENIED, "needs the role operator");
    hears(&askers[2], GRPC_NOT_FOUND, "no node \"n2\""); /* he may not know of it */
    hears(&askers[3], GRPC_OK, "");
    CHECK_INT(place.sessions[1].target.begun + place.sessions[2].target.begun, 0);
    recorded(&place, "act.refused n1 ada PERMISSION_DENIED\n"
                     "act.ended n0 ada OK\nact.ended n3 ada OK\n");
    end(&place, 0);
}

static void nobody_and_everybody_are_nobody(void) {
    static const struct {
        const char *node;
        enum grpc_status status;
    } rows[] = {
        { "", GRPC_NOT_FOUND },
        { "*", GRPC_NOT_FOUND },
        { "n?", GRPC_NOT_FOUND },
        { "n0,n1", GRPC_NOT_FOUND },
        { "@prod", GRPC_NOT_FOUND },
        { "all", GRPC_INVALID_ARGUMENT }, /* a group: which of them? */
    };
    struct place place;
    struct asker asker;

    begin(&place);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask(&asker, &place, place.ada, SIGNAL, rows[i].node);
        hears(&asker, rows[i].status, "");
    }
    CHECK_INT(count_arrived(&place), 0);
    recorded(&place, "");
    end(&place, 0);
}

/* What holds is what holds when it goes, and not when it was asked for. */
static void a_right_is_looked_at_again_at_dispatch(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    ask(&asker, &place, place.ada, SIGNAL, "n0");
    loop_settle(place.loop); /* it is being recorded */
    actor_rights_clear(place.ada->rights);
    actor_rights_add(place.ada->rights, "*", ACTOR_VIEWER, 0);
    hears(&asker, GRPC_PERMISSION_DENIED, "needs the role operator");
    recorded(&place, "act.refused n0 ada PERMISSION_DENIED\n");

    actor_rights_clear(place.ada->rights);
    actor_rights_add(place.ada->rights, "*", ACTOR_OPERATOR, 0);
    ask(&asker, &place, place.ada, SIGNAL, "n0");
    loop_settle(place.loop);
    struct node *node = registry_find(place.registry, "n0");
    node->session = NULL;
    registry_changed(place.registry, node);
    hears(&asker, GRPC_UNAVAILABLE, "n0");

    ask(&asker, &place, place.ada, SIGNAL, "n1");
    loop_settle(place.loop);
    node = registry_find(place.registry, "n1");
    node->session = NULL;
    registry_remove(place.registry, node);
    hears(&asker, GRPC_NOT_FOUND, "n1");
    CHECK_INT(count_arrived(&place), 0);
    recorded(&place, "");
    end(&place, 0);
}

static void refusals_do_not_fill_the_record(void) {
    struct place place;
    struct asker asker;
    size_t rows = 0;

    begin(&place);
    actor_rights_clear(place.ada->rights);
    actor_rights_add(place.ada->rights, "*", ACTOR_VIEWER, 0);
    for (int i = 0; i < 3 * REFUSALS_MAX; i++) {
        ask(&asker, &place, place.ada, SIGNAL, "n0");
        hears(&asker, GRPC_PERMISSION_DENIED, "operator");
    }
    for (const char *at = buf_text(&place.told); (at = strchr(at, '\n')); at++)
        rows++;
    CHECK_INT(rows, REFUSALS_MAX);
    end(&place, 0);
}

/* --- how it ends --- */

static void the_nodes_word_is_told_as_it_is(void) {
    static const struct {
        enum grpc_status status;
        const char *kind;
        const char *told;
    } rows[] = {
        { GRPC_NOT_FOUND, "ended", "NOT_FOUND" },
        { GRPC_FAILED_PRECONDITION, "ended", "FAILED_PRECONDITION" },
        { GRPC_UNIMPLEMENTED, "ended", "UNIMPLEMENTED" },
        { GRPC_PERMISSION_DENIED, "refused", "PERMISSION_DENIED" },
        /* Its own word that it does not know. */
        { GRPC_UNKNOWN, "unclear", "UNKNOWN" },
        { GRPC_DEADLINE_EXCEEDED, "unclear", "DEADLINE_EXCEEDED" },
    };
    struct place place;
    struct asker asker;

    begin(&place);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        auto_(mem_freep) char *wanted =
            mem_printf("act.%s n0 ada %s\n", rows[i].kind, rows[i].told);
        ask(&asker, &place, place.ada, SIGNAL, "n0");
        check_target_end(arrives(&place, 0), rows[i].status, "as it is");
        hears(&asker, rows[i].status, "as it is");
        recorded(&place, wanted);
        CHECK((strstr(buf_text(&place.text), "not known") != NULL) ==
              (strcmp(rows[i].kind, "unclear") == 0));
    }
    end(&place, 0);
}

static void lose(struct check_call *held) {
    held->call->cut = true;
    call_finish_cut(held->call, "the connection was lost", CALL_DELIVERED_UNKNOWN);
}

static void an_unclear_outcome_is_called_unclear(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    ask(&asker, &place, place.ada, SIGNAL, "n0"); /* the link breaks */
    lose(arrives(&place, 0));
    hears(&asker, GRPC_UNAVAILABLE, "lost");
    recorded(&place, "act.unclear n0 ada UNAVAILABLE\n");
    CHECK(strstr(buf_text(&place.text), "whether it was done is not known"));

    ask(&asker, &place, place.ada, REBOOT, "n0"); /* the caller leaves */
    arrives(&place, 0);
    leave(&asker);
    recorded(&place, "act.unclear n0 ada CANCELLED\n");

    ask(&asker, &place, place.ada, SIGNAL, "n0"); /* he waits no longer */
    arrives(&place, 0);
    call_set_deadline(asker.call, 1);
    hears(&asker, GRPC_DEADLINE_EXCEEDED, "deadline");
    recorded(&place, "act.unclear n0 ada DEADLINE_EXCEEDED\n");

    ask(&asker, &place, place.ada, SIGNAL, "n0"); /* his right is withdrawn */
    arrives(&place, 0);
    actor_rights_clear(place.ada->rights);
    underway_review(place.underway);
    hears(&asker, GRPC_PERMISSION_DENIED, "withdrawn");
    actor_rights_add(place.ada->rights, "*", ACTOR_OPERATOR, 0);
    recorded(&place, "act.unclear n0 ada PERMISSION_DENIED\n");

    ask(&asker, &place, place.ada, WAKE, "n0"); /* what does no harm is just over */
    lose(arrives(&place, 0));
    hears(&asker, GRPC_UNAVAILABLE, "lost");
    recorded(&place, "act.ended n0 ada UNAVAILABLE\n");
    end(&place, 0);
}

static void who_leaves_before_it_goes_has_begun_nothing(void) {
    struct buf framed = { 0 };
    struct place place;
    struct asker asker;

    begin(&place);
    frame_signal(&framed);
    start(&asker, &place, place.ada, SIGNAL, "n0"); /* while it is read */
    call_request_write(asker.call, slice_of(framed.data, framed.len - 1));
    loop_settle(place.loop);
    leave(&asker);
    ask(&asker, &place, place.ada, SIGNAL, "n0"); /* while it is recorded */
    loop_settle(place.loop);
    leave(&asker);
    ask(&asker, &place, place.ada, SIGNAL, "n1"); /* this one behind it is */
    done(arrives(&place, 1));
    hears(&asker, GRPC_OK, "");
    CHECK_INT(place.sessions[0].target.begun, 0);
    recorded(&place, "act.ended n1 ada OK\n");
    buf_done(&framed);
    end(&place, 0);
}

static void nothing_goes_that_cannot_be_recorded(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    store_release(place.store);
    ask(&asker, &place, place.ada, SIGNAL, "n0");
    hears(&asker, GRPC_RESOURCE_EXHAUSTED, "the hub's store");
    CHECK_INT(count_arrived(&place), 0);
    recorded(&place, "");
    end(&place, 0);
}

static void a_hub_that_stops_begins_nothing(void) {
    struct place place;
    struct asker reading, keeping, late, sent;

    begin(&place);
    ask(&sent, &place, place.ada, SIGNAL, "n1");
    arrives(&place, 1);
    start(&reading, &place, place.ada, SIGNAL, "n0");
    ask(&keeping, &place, place.ada, SIGNAL, "n0");
    loop_settle(place.loop);
    gate_end_held(place.gate);
    hears(&reading, GRPC_UNAVAILABLE, "was not begun");
    hears(&keeping, GRPC_UNAVAILABLE, "was not begun");
    ask(&late, &place, place.ada, SIGNAL, "n0");
    hears(&late, GRPC_UNAVAILABLE, "being restarted");
    done(check_target_first(&place.sessions[1].target));
    hears(&sent, GRPC_OK, ""); /* what has gone still ends */
    CHECK_INT(place.sessions[0].target.begun, 0);
    recorded(&place, "act.ended n1 ada OK\n");
    end(&place, 0);
}

static void tell_unclear(void *arg, const struct store_act *row) {
    struct place *place = arg;
    acts_tell_unclear(place->activity, row);
}

/* The hub is killed between dispatch and result: the next one tells of it, once. */
static void what_was_begun_and_has_no_end_is_told_at_the_next_start(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    ask(&asker, &place, place.ada, REBOOT, "n2");
    arrives(&place, 2);
    store_close(place.store); /* nothing that happens now is recorded any more */
    open_store(&place);
    struct store *again = TAKE(place.store);
    CHECK_INT(store_load(again, &(struct store_loader) { .on_act = tell_unclear,
                                                         .arg = &place }),
              0);
    recorded(&place, "act.unclear n2 ada UNKNOWN\n");
    CHECK_TEXT(place.method, REBOOT);
    CHECK_INT(place.act_id, 41);
    CHECK(strstr(buf_text(&place.text), "whether it was done is not known"));
    store_close(again);
    leave(&asker);
    open_store(&place);
    end(&place, 1);
}

/* --- a second person's word --- */

static struct approvals_item *held_item(struct place *place, struct actor *actor) {
    struct approvals_item *item = NULL;

    loop_settle(place->loop);
    item = approvals_next(place->approvals, item);
    CHECK(item && approvals_may_see(place->approvals, item, actor));
    return item;
}

static void a_harmful_act_on_a_tagged_node_waits_for_another(void) {
    const struct slice none = { 0 };
    struct place place;
    struct asker asker;

    begin(&place);
    struct node *node = registry_find(place.registry, "n0");
    node_add_tag(node, "prod");
    ask(&asker, &place, place.ada, REBOOT, "n0");
    struct approvals_item *item = held_item(&place, place.eve);
    CHECK(approvals_fault(place.approvals, item, place.ada, none)); /* himself */
    CHECK(!approvals_fault(place.approvals, item, place.eve, none));
    CHECK_INT(count_arrived(&place), 0);
    approvals_decide(item, APPROVALS_APPROVED, place.eve, none, "");
    done(arrives(&place, 0));
    hears(&asker, GRPC_OK, "");
    recorded(&place, "act.ended n0 ada OK\n");

    ask(&asker, &place, place.ada, REBOOT, "n0");
    approvals_decide(held_item(&place, place.eve), APPROVALS_REJECTED, place.eve, none,
                     "not today");
    hears(&asker, GRPC_PERMISSION_DENIED, "eve rejected it: not today");

    /* Whoever has the name now is not whom they spoke of. */
    ask(&asker, &place, place.ada, REBOOT, "n0");
    item = held_item(&place, place.eve);
    node_set(&node->instance, "another");
    approvals_decide(item, APPROVALS_APPROVED, place.eve, none, "");
    hears(&asker, GRPC_ABORTED, "another one");

    /* The right of who asked is looked at again behind it. */
    ask(&asker, &place, place.ada, REBOOT, "n0");
    item = held_item(&place, place.eve);
    actor_rights_clear(place.ada->rights);
    actor_rights_add(place.ada->rights, "*", ACTOR_VIEWER, 0);
    approvals_decide(item, APPROVALS_APPROVED, place.eve, none, "");
    hears(&asker, GRPC_PERMISSION_DENIED, "operator");
    CHECK_INT(count_arrived(&place), 1);
    end(&place, 0);
}

static void what_does_no_harm_waits_for_nobody(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    node_add_tag(registry_find(place.registry, "n0"), "prod");
    ask(&asker, &place, place.ada, WAKE, "n0");
    done(arrives(&place, 0));
    hears(&asker, GRPC_OK, "");
    recorded(&place, "act.ended n0 ada OK\n");
    end(&place, 0);
}

TESTS(TEST(an_act_goes_to_its_node_once_and_is_told),
      TEST(what_only_looks_is_no_act),
      TEST(a_request_is_read_whole_before_it_goes),
      TEST(what_is_no_request_goes_nowhere),
      TEST(a_fan_out_is_checked_per_node),
      TEST(nobody_and_everybody_are_nobody),
      TEST(a_right_is_looked_at_again_at_dispatch),
      TEST(refusals_do_not_fill_the_record),
      TEST(the_nodes_word_is_told_as_it_is),
      TEST(an_unclear_outcome_is_called_unclear),
      TEST(who_leaves_before_it_goes_has_begun_nothing),
      TEST(nothing_goes_that_cannot_be_recorded),
      TEST(a_hub_that_stops_begins_nothing),
      TEST(what_was_begun_and_has_no_end_is_told_at_the_next_start),
      TEST(a_harmful_act_on_a_tagged_node_waits_for_another),
      TEST(what_does_no_harm_waits_for_nobody))
