/*
 * store_request - one thing asked of the store, with copies of all it needs
 *
 * Made on the loop, run by the back end on the store's thread, answered and freed on the
 * loop; never touched by two of them at once.
 */
#pragma once

#include "base/list.h"
#include "store/records.h"
#include "store/store.h"

enum store_op {
    STORE_PUT_NODE,
    STORE_REMOVE_NODE,
    STORE_RENAME_NODE,
    STORE_TOUCH,
    STORE_PUT_TOKEN,
    STORE_REMOVE_TOKEN,
    STORE_PUT_USER,
    STORE_REMOVE_USER,
    STORE_PUT_CODE,
    STORE_REDEEM,
    STORE_BEGIN_ACT,
    STORE_END_ACT,
    STORE_PUT_GROUP,
    STORE_REMOVE_GROUP,
    STORE_JOIN,
    STORE_CLAIM,
    STORE_ADD_EVENT,
    STORE_LIST_EVENTS,
    STORE_PUT_META,
    STORE_PUT_RECORDS,
    STORE_ADD_TRAFFIC,
    STORE_LIST_TRAFFIC,
};

struct store_request {
    struct list waiting;
    enum store_op op;
    int result;

    struct store_node node;   /* PUT_NODE */
    struct store_token token; /* PUT_TOKEN, JOIN, CLAIM, REDEEM */
    struct store_user user;   /* PUT_USER */
    struct store_code code;   /* PUT_CODE */
    struct store_act act;     /* BEGIN_ACT; END_ACT: its id */
    struct store_group group; /* PUT_GROUP */
    struct store_event event; /* ADD_EVENT; END_ACT: unless its id is 0 */
    struct store_event_query query;
    const char *name;             /* REMOVE_*, RENAME_NODE, PUT_META: key */
    const char *other;            /* RENAME_NODE: new name, PUT_META: value or NULL */
    uint8_t hash[STORE_HASH_LEN]; /* REMOVE_TOKEN, JOIN, REDEEM */
    uint8_t secret[STORE_CLAIM_LEN];
    struct store_touch *touches; /* owned below, as everything that is pointed to */
    size_t touch_count;
    uint64_t events_max;    /* ADD_EVENT */
    struct records records; /* PUT_RECORDS */

    struct store_event *events; /* LIST_EVENTS: the answer */
    size_t event_count;

    struct store_traffic *traffic; /* ADD_TRAFFIC; LIST_TRAFFIC: the answer */
    size_t traffic_count;
    int64_t oldest_ms; /* ADD_TRAFFIC */
    uint64_t rows_max;
    struct store_traffic_query traffic_query;
    bool traffic_cut;

    void **owned; /* owned: what store_request_free() frees */
    size_t owned_count;

    store_done *done;
    store_events_done *events_done;
    store_traffic_done *traffic_done;
    void *arg; /* borrowed: the caller's */
};

struct store_request *store_request_new(enum store_op op);

/* Always returns NULL. */
struct store_request *store_request_free(struct store_request *request);

/* Gives the request memory to free with it; returns it. */
void *store_request_own(struct store_request *request, void *at);

/* Copies that belong to the request. NULL texts become "". */
const char *store_request_copy_text(struct store_request *request, const char *text);
struct store_node store_request_copy_node(struct store_request *request,
                                          const struct store_node *node);
struct store_token store_request_copy_token(struct store_request *request,
                                            const struct store_token *token);
struct store_user store_request_copy_user(struct store_request *request,
                                          const struct store_user *user);
struct store_code store_request_copy_code(struct store_request *request,
                                          const struct store_code *code);
struct store_act store_request_copy_act(struct store_request *request,
                                        const struct store_act *act);
struct store_group store_request_copy_group(struct store_request *request,
                                            const struct store_group *group);
struct store_event store_request_copy_event(struct store_request *request,
                                            const struct store_event *event);

struct store_traffic *store_request_copy_traffic(struct store_request *request,
                                                 const struct store_traffic *rows,
                                                 size_t count);
struct store_traffic_query store_request_copy_traffic_query(
    struct store_request *request, const struct store_traffic_query *query);

/* Calls whoever asked. */
void store_request_answer(struct store_request *request);
