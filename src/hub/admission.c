#include "hub/admission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "hub/access.h"
#include "hub/activity.h"
#include "hub/keeper.h"
#include "hub/link_sessions.h"
#include "hub/node.h"
#include "hub/registry.h"
#include "hub/session.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "rpc/exchange.h"
#include "rpc/link_accept.h"

enum { NAME_TRIES = 99 }; /* nas, nas-2, ... nas-99 */

struct admission {
    struct admission_config config;
    struct list waiting; /* of struct applicant */
    struct list joining; /* of struct joining */
    uint32_t links;      /* links of this hub start: the low half of generations */
};

/* A link whose name is held by another instance that is being asked for a sign of life.
 */
struct applicant {
    struct list node;
    struct admission *admission; /* borrowed: outlives its applicants */
    struct exchange *exchange;   /* owned */
    enum link_transport transport;
    struct access_token *token; /* borrowed: access */
    struct session *rival;      /* borrowed: until its answer */
    char *name;                 /* owned */
};

struct admission *admission_new(const struct admission_config *config) {
    struct admission *admission = mem_new(sizeof(*admission));

    admission->config = *config;
    list_init(&admission->waiting);
    list_init(&admission->joining);
    return admission;
}

static void forget(struct applicant *applicant) {
    list_remove(&applicant->node);
    if (applicant->rival)
        session_probe_cancel(applicant->rival, applicant);
    if (applicant->exchange)
        exchange_release(applicant->exchange);
    free(applicant->name);
    free(applicant);
}

static const struct {
    int error;
    unsigned http_status;
    const char *word;
} refusals[] = {
    { ACCESS_E_FORM, 401, LINK_ERROR_MALFORMED },
    { ACCESS_E_UNKNOWN, 401, LINK_ERROR_UNKNOWN },
    { ACCESS_E_KIND, 401, LINK_ERROR_UNKNOWN },
    { ACCESS_E_USED, 403, LINK_ERROR_USED },
    { ACCESS_E_EXPIRED, 403, LINK_ERROR_EXPIRED },
    { ACCESS_E_REVOKED, 403, LINK_ERROR_REVOKED },
};

static void refuse(struct exchange *exchange, int error) {
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].error != error)
            continue;
        log_info("link from %s refused: %s", conn_peer(exchange->conn), refusals[i].word);
        link_accept_refuse(exchange, refusals[i].http_status, refusals[i].word,
                           access_error_text(error));
        return;
    }
}

static void refuse_taken(struct admission *admission,
                         struct exchange *exchange,
                         const char *name) {
    char *message = mem_printf(
        "the name \"%s\" is taken: another agent holds it right now; stop that "
        "one, or join this host with a token for another name",
        name);

    struct node *node = registry_find(admission->config.registry, name);
    struct link_hello hello = { 0 };
    link_hello_read(exchange->head, &hello);
    if (node && hello.instance && strcmp(node->refused, hello.instance) != 0) {
        node_set(&node->refused, hello.instance);
        activity_add(admission->config.activity, "node.refused", name, "",
                     "another instance asks for the name, from %s",
                     conn_peer(exchange->conn));
    }
    link_accept_refuse(exchange, 409, LINK_ERROR_TAKEN, message);
    free(message);
}

static struct node *node_of(struct admission *admission, const char *name) {
    struct node *node = registry_find(admission->config.registry, name);

    if (node)
        return node;
    node = registry_add(admission->config.registry, name);
    node->created_ms = clock_wall_ms();
    return node;
}

/* No link comes of this handshake. */
static void finish_handshake(struct conn *conn) {
    if (!conn)
        return;
    conn_set_owner(conn, NULL, NULL);
    conn_finish(conn);
}

/* A join whose credential is being kept: the agent gets it when it is durable. */
struct joining {
    struct list node;
    struct admission *admission; /* borrowed: NULL once it has ended */
    struct exchange *exchange;   /* owned; NULL when the agent has gone */
    enum link_transport transport;
    struct access_token *token;      /* borrowed: access */
    struct access_token *credential; /* owned until it is added */
    char *instance;                  /* owned: who joins */
    char secret[TOKEN_LEN + 1];
};

static void joining_free(struct joining *joining) {
    list_remove(&joining->node);
    if (joining->exchange)
        exchange_release(joining->exchange);
    access_token_free(joining->credential);
    free(joining->instance);
    mem_wipe(joining->secret, sizeof(joining->secret));
    free(joining);
}

static void finish_join(struct joining *joining) {
    struct admission *admission = joining->admission;
    struct access *access = admission->config.access;
    struct access_token *credential = TAKE(joining->credential);
    struct exchange *exchange = TAKE(joining->exchange);

    access_add(access, credential);
    access_revoke_node(access, credential->name, credential);
    if (!joining->token->reusable)
        access_spend(joining->token, clock_wall_ms());
    struct node *node = node_of(admission, credential->name);
    /* An agent that never gets this answer asks again, and gets the same name. */
    node_set(&node->instance, joining->instance);
    registry_changed(admission->config.registry, node);
    activity_add(admission->config.activity, "node.joined", credential->name, "",
                 "joined with token %s", joining->token->id);
    if (node->session) /* an agent that runs beside the join; it comes back at once */
        session_close(node->session, "it joined anew, the old credential ends");
    if (!exchange)
        return;
    exchange->on_wake = NULL;
    finish_handshake(link_accept_take(exchange, joining->transport, credential->name,
                                      joining->secret));
}

static void on_joined(void *arg, int result) {
    struct joining *joining = arg;
    struct exchange *exchange = joining->exchange;

    if (joining->admission && result == 0) {
        finish_join(joining);
    } else if (joining->admission && exchange) {
        joining->exchange = NULL;
        exchange->on_wake = NULL;
        if (result == STORE_E_USED)
            refuse(exchange, ACCESS_E_USED);
        else
            link_accept_refuse(exchange, 503, LINK_ERROR_BUSY,
                               "the hub's store cannot keep the credential; try again");
    }
    joining_free(joining);
}

static void on_joining_wake(struct exchange *exchange) {
    struct joining *joining = exchange->user;

    if (!exchange->gone)
        return;
    joining->exchange = NULL;
    exchange_release(exchange);
}

/* A join: no link comes of it, but a credential that makes links. */
static void give_credential(struct admission *admission,
                            struct exchange *exchange,
                            enum link_transport transport,
                            struct access_token *token,
                            const char *name,
                            const char *instance) {
    struct joining *joining = mem_new(sizeof(*joining));

    *joining = (struct joining) {
        .admission = admission,
        .exchange = exchange,
        .transport = transport,
        .token = token,
        .credential = access_token_new(ACCESS_NODE, name),
        .instance = mem_strdup(instance),
    };
    joining->credential->created_ms = clock_wall_ms();
    access_token_make_secret(joining->credential, joining->secret);
    list_add_tail(&admission->joining, &joining->node);
    exchange->user = joining;
    exchange->on_wake = on_joining_wake;
    struct store_token row = keeper_token(joining->credential);
    int r = store_join(admission->config.store, token->hash, &row, on_joined, joining);
    if (r < 0)
        on_joined(joining, r);
}

static void admit(struct admission *admission,
                  struct exchange *exchange,
                  enum link_transport transport,
                  struct access_token *token,
                  const char *name) {
    struct link_hello hello;

    link_hello_read(exchange->head, &hello);
    listener_vouch(exchange->conn);
    if (hello.intent == LINK_JOIN) {
        give_credential(admission, exchange, transport, token, name, hello.instance);
        return;
    }
    if (hello.intent == LINK_CHECK) {
        finish_handshake(link_accept_take(exchange, transport, name, NULL));
        return;
    }
    struct session_config session = {
        .node = node_of(admission, name),
        .token = token,
        .transport = link_transport_name(transport),
        .hello = &hello,
        .generation = admission->config.start_number << 32 | ++admission->links,
    };
    token->used_ms = clock_wall_ms();

    struct headers said; /* the exchange and its fields end with the upgrade */
    headers_init(&said);
    headers_add_all(&said, exchange->head);
    link_hello_read(&said, &hello);
    struct conn *conn = link_accept_take(exchange, transport, name, NULL);
    if (conn)
        link_sessions_add(admission->config.links, conn, &session);
    headers_done(&said);
}

static void on_answer(void *arg, bool alive) {
    struct applicant *applicant = arg;
    struct admission *admission = applicant->admission;
    struct exchange *exchange = TAKE(applicant->exchange);

    applicant->rival = NULL;
    exchange->on_wake = NULL;
    if (alive)
        refuse_taken(admission, exchange, applicant->name);
    else
        admit(admission, exchange, applicant->transport, applicant->token,
              applicant->name);
    forget(applicant);
}

static void on_wake(struct exchange *exchange) {
    if (exchange->gone)
        forget(exchange->user);
}

/* The name is held by another instance: is that one alive? */
static void ask_rival(struct admission *admission,
                      struct exchange *exchange,
                      enum link_transport transport,
                      struct access_token *token,
                      struct node *node) {
    struct applicant *applicant = mem_new(sizeof(*applicant));

    *applicant = (struct applicant) {
        .admission = admission,
        .exchange = exchange,
        .transport = transport,
        .token = token,
        .rival = node->session,
        .name = mem_strdup(node->name),
    };
    if (!session_probe(node->session, ADMISSION_PROBE_MS, on_answer, applicant)) {
        refuse_taken(admission, exchange, node->name);
        free(applicant->name);
        free(applicant);
        return;
    }
    list_add_tail(&admission->waiting, &applicant->node);
    exchange->user = applicant;
    exchange->on_wake = on_wake;
}

/* A joining agent's wish, or the first free name after it: nas, nas-2, nas-3. */
static bool choose_name(struct admission *admission,
                        const struct link_hello *hello,
                        char ret_name[static NAME_LEN_MAX + 1]) {
    char base[NAME_LEN_MAX + 1];

    name_from_host(hello->name, base);
    for (unsigned i = 1; i <= NAME_TRIES; i++) {
        int len = i == 1 ? snprintf(ret_name, NAME_LEN_MAX + 1, "%s", base)
                         : snprintf(ret_name, NAME_LEN_MAX + 1, "%.59s-%u", base, i);
        const struct node *node = registry_find(admission->config.registry, ret_name);
        if (len > 0 && (!node || strcmp(node->instance, hello->instance) == 0))
            return true;
    }
    return false;
}

/* Finds the token: 0 or ACCESS_E_*. A join token that was used serves nobody any more,
 * not even who used it and never got the answer. */
static int find_token(struct admission *admission,
                      const struct link_hello *hello,
                      struct access_token **ret_token) {
    struct access_token *token = NULL;
    int r = access_find(admission->config.access, hello->credential,
                        hello->intent == LINK_JOIN ? ACCESS_JOIN : ACCESS_NODE,
                        clock_wall_ms(), &token);

    if (r == ACCESS_E_KIND && hello->intent == LINK_CHECK)
        r = access_find(admission->config.access, hello->credential, ACCESS_JOIN,
                        clock_wall_ms(), &token);
    if (r != 0)
        return r;
    if (token->kind == ACCESS_JOIN && token->used && !token->reusable)
        return ACCESS_E_USED;
    *ret_token = token;
    return 0;
}

void admission_take(struct admission *admission,
                    struct exchange *exchange,
                    enum link_transport transport) {
    struct access_token *token = NULL;
    struct link_hello hello;
    char name[NAME_LEN_MAX + 1];

    if (!link_hello_read(exchange->head, &hello)) {
        link_accept_refuse(exchange, 401, LINK_ERROR_MALFORMED,
                           "authorization and roost-instance are needed");
        return;
    }
    int r = find_token(admission, &hello, &token);
    if (r != 0) {
        refuse(exchange, r);
        return;
    }
    snprintf(name, sizeof(name), "%s", token->name);
    if (name[0] == '\0' && !choose_name(admission, &hello, name)) {
        link_accept_refuse(exchange, 409, LINK_ERROR_TAKEN,
                           "no free name like this one is left");
        return;
    }
    struct node *node = registry_find(admission->config.registry, name);
    if (hello.intent != LINK_CHECK && node && node->session &&
        strcmp(session_instance(node->session), hello.instance) != 0)
        ask_rival(admission, exchange, transport, token, node);
    else
        admit(admission, exchange, transport, token, name);
}

/* The store's answer will find nobody. */
static void joining_orphan(struct joining *joining) {
    list_remove(&joining->node);
    joining->admission = NULL;
    if (joining->exchange)
        exchange_release(TAKE(joining->exchange));
}

struct admission *admission_free(struct admission *admission) {
    if (!admission)
        return NULL;
    while (!list_is_empty(&admission->waiting))
        forget(container_of(admission->waiting.next, struct applicant, node));
    list_for_each_safe(at, after, &admission->joining)
        joining_orphan(container_of(at, struct joining, node));
    free(admission);
    return NULL;
}
