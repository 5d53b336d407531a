#include "hub/link/admission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "hub/activity/activity.h"
#include "hub/keeper.h"
#include "hub/link/session.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/people/access.h"

enum { NAME_TRIES = 99 }; /* nas, nas-2, ... nas-99 */

struct admission {
    struct admission_config config;
    struct list waiting;  /* of struct admission_applicant: for their rival's answer */
    struct list joining;  /* of struct admission_joining */
    uint32_t generations; /* of this hub start: the low half */
};

/* A join whose credential is being kept: the agent gets it when it is durable. */
struct admission_joining {
    struct list node;
    struct admission *admission;           /* borrowed: NULL once it has ended */
    struct admission_applicant *applicant; /* borrowed: NULL once it has gone */
    struct access_token *token;            /* borrowed: access */
    struct access_token *credential;       /* owned until it is added */
    char *instance;                        /* owned: who joins */
    char secret[TOKEN_LEN + 1];
};

struct admission *admission_new(const struct admission_config *config) {
    struct admission *admission = mem_new(sizeof(*admission));

    admission->config = *config;
    list_init(&admission->waiting);
    list_init(&admission->joining);
    return admission;
}

/* Lets go of an applicant: it is answered, or it has gone. */
static void let_go(struct admission_applicant *applicant) {
    list_remove(&applicant->node);
    if (applicant->rival)
        session_probe_cancel(applicant->rival, applicant);
    if (applicant->joining)
        applicant->joining->applicant = NULL;
    applicant->rival = NULL;
    applicant->joining = NULL;
    free(TAKE(applicant->name));
}

void admission_withdraw(struct admission_applicant *applicant) {
    let_go(applicant);
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

static void refuse_with(struct admission_applicant *applicant,
                        const struct admission_refusal *why) {
    let_go(applicant);
    applicant->door->refuse(applicant, why); /* the applicant may be gone here */
}

/* For its token, for one of ACCESS_E_*. */
static void refuse(struct admission_applicant *applicant, int error) {
    struct admission_refusal why = {
        .http_status = 401,
        .status = GRPC_UNAUTHENTICATED,
        .word = LINK_ERROR_UNKNOWN,
        .message = access_error_text(error),
    };

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].error == error) {
            why.http_status = refusals[i].http_status;
            why.word = refusals[i].word;
        }
    log_info("link from %s refused: %s", applicant->peer, why.word);
    refuse_with(applicant, &why);
}

static void refuse_name(struct admission_applicant *applicant, const char *message) {
    struct admission_refusal why = {
        .http_status = 409,
        .status = GRPC_ALREADY_EXISTS,
        .word = LINK_ERROR_TAKEN,
        .message = message,
    };
    refuse_with(applicant, &why);
}

static void refuse_taken(struct admission *admission,
                         struct admission_applicant *applicant,
                         struct node *node) {
    char *message = mem_printf(
        "the name \"%s\" is taken: another agent holds it right now; stop that "
        "one, or join this host with a token for another name",
        node->name);

    /* A dialect has no instances: one refusal stands for all. */
    const char *who = applicant->is_dialect ? "-" : applicant->hello.instance;
    if (strcmp(node->refused, who) != 0) {
        node_set(&node->refused, who);
        activity_add(admission->config.activity, "node.refused", node->name, "",
                     "another instance asks for the name, from %s", applicant->peer);
    }
    refuse_name(applicant, message);
    free(message);
}

static void refuse_busy(struct admission_applicant *applicant) {
    static const struct admission_refusal why = {
        .http_status = 503,
        .status = GRPC_UNAVAILABLE,
        .word = LINK_ERROR_BUSY,
        .message = "the hub's store cannot keep the credential; try again",
    };
    refuse_with(applicant, &why);
}

static struct node *node_of(struct admission *admission, const char *name) {
    struct node *node = registry_find(admission->config.registry, name);

    if (node)
        return node;
    node = registry_add(admission->config.registry, name);
    node->created_ms = clock_wall_ms();
    return node;
}

static void joining_free(struct admission_joining *joining) {
    list_remove(&joining->node);
    access_token_free(joining->credential);
    free(joining->instance);
    mem_wipe(joining->secret, sizeof(joining->secret));
    free(joining);
}

static void finish_join(struct admission_joining *joining) {
    struct admission *admission = joining->admission;
    struct access *access = admission->config.access;
    struct access_token *credential = TAKE(joining->credential);
    struct admission_applicant *applicant = joining->applicant;

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
    if (!applicant)
        return;
    let_go(applicant);
    applicant->door->answer(applicant, credential->name, joining->secret);
}

/* Did somebody make a group of that name while the store was asked? */
static bool lost_name(const struct admission_joining *joining) {
    return registry_is_reserved(joining->admission->config.registry,
                                joining->credential->name);
}

static void on_joined(void *arg, int result) {
    struct admission_joining *joining = arg;

    if (joining->admission && result == 0 && !lost_name(joining))
        finish_join(joining);
    else if (joining->admission && joining->applicant && result == 0)
        refuse_name(joining->applicant, "the name became a group's meanwhile");
    else if (joining->admission && joining->applicant && result == STORE_E_USED)
        refuse(joining->applicant, ACCESS_E_USED);
    else if (joining->admission && joining->applicant)
        refuse_busy(joining->applicant);
    joining_free(joining);
}

/* A join: no session comes of it, but a credential that makes sessions. */
static void give_credential(struct admission *admission,
                            struct admission_applicant *applicant,
                            const char *name) {
    struct admission_joining *joining = mem_new(sizeof(*joining));
    struct access_token *token = applicant->token;

    *joining = (struct admission_joining) {
        .admission = admission,
        .applicant = applicant,
        .token = token,
        .credential = access_token_new(ACCESS_NODE, name),
        .instance = mem_strdup(applicant->hello.instance),
    };
    joining->credential->created_ms = clock_wall_ms();
    access_token_make_secret(joining->credential, joining->secret);
    list_add_tail(&admission->joining, &joining->node);
    applicant->joining = joining;
    struct store_token row = keeper_token(joining->credential);
    int r = store_join(admission->config.store, token->hash, &row, on_joined, joining);
    if (r < 0)
        on_joined(joining, r);
}

/* The node that it will hold. */
static struct node *node_for(struct admission *admission,
                             const struct admission_applicant *applicant,
                             const char *name) {
    bool is_new = !registry_find(admission->config.registry, name);
    struct node *node = node_of(admission, name);

    if (is_new && !applicant->token)
        node->anonymous = true;
    return node;
}

static void admit(struct admission *admission,
                  struct admission_applicant *applicant,
                  const char *name) {
    struct session_config session = {
        .token = applicant->token,
        .transport = applicant->transport,
        .hello = &applicant->hello,
    };

    switch (applicant->hello.intent) {
    case LINK_JOIN:
        give_credential(admission, applicant, name);
        break;
    case LINK_CHECK:
        applicant->door->answer(applicant, name, NULL);
        break;
    default:
        session.node = node_for(admission, applicant, name);
        session.generation =
            admission->config.start_number << 32 | ++admission->generations;
        if (applicant->token)
            applicant->token->used_ms = clock_wall_ms();
        applicant->door->admit(applicant, &session);
    }
}

static void on_answer(void *arg, bool alive) {
    struct admission_applicant *applicant = arg;
    struct admission *admission = applicant->admission;
    char *name = TAKE(applicant->name);

    applicant->rival = NULL;
    list_remove(&applicant->node);
    if (alive)
        refuse_taken(admission, applicant, node_for(admission, applicant, name));
    else
        admit(admission, applicant, name);
    free(name);
}

/* The name is held by another instance: is that one alive? */
static void ask_rival(struct admission *admission,
                      struct admission_applicant *applicant,
                      struct node *node) {
    if (!session_probe(node->session, ADMISSION_PROBE_MS, on_answer, applicant)) {
        refuse_taken(admission, applicant, node);
        return;
    }
    applicant->rival = node->session;
    applicant->name = mem_strdup(node->name);
    list_add_tail(&admission->waiting, &applicant->node);
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
        if (registry_is_reserved(admission->config.registry, ret_name))
            continue;
        if (len > 0 && (!node || strcmp(node->instance, hello->instance) == 0))
            return true;
    }
    return false;
}

/* Tries kinds in turn: 0, or the first ACCESS_E_* but ACCESS_E_KIND. */
static int find_kinds(struct admission *admission,
                      const struct link_hello *hello,
                      const enum access_kind *kinds,
                      struct access_token **ret_token) {
    int r = ACCESS_E_KIND;

    for (; r == ACCESS_E_KIND && *kinds; kinds++)
        r = access_find(admission->config.access, hello->credential, *kinds,
                        clock_wall_ms(), ret_token);
    return r;
}

/* Finds the token: 0 or ACCESS_E_*. A join token that was used serves nobody any more,
 * not even who used it and never got the answer. */
static int find_token(struct admission *admission,
                      const struct admission_applicant *applicant,
                      struct access_token **ret_token) {
    static const enum access_kind of_join[] = { ACCESS_JOIN, 0 };
    static const enum access_kind of_check[] = { ACCESS_NODE, ACCESS_JOIN, 0 };
    static const enum access_kind of_dialect[] = { ACCESS_DIALECT, ACCESS_NODE, 0 };
    static const enum access_kind of_node[] = { ACCESS_NODE, 0 };
    const struct link_hello *hello = &applicant->hello;
    struct access_token *token = NULL;

    int r = find_kinds(admission, hello,
                       hello->intent == LINK_JOIN    ? of_join
                       : hello->intent == LINK_CHECK ? of_check
                       : applicant->is_dialect       ? of_dialect
                                                     : of_node,
                       &token);
    if (r != 0)
        return r;
    if (token->kind == ACCESS_JOIN && token->used && !token->reusable)
        return ACCESS_E_USED;
    *ret_token = token;
    return 0;
}

/* Whoever has a credential for a name comes before who has none. */
static void put_out(struct admission *admission, struct node *node) {
    if (node->session)
        session_close(node->session, "whoever has a credential for the name asks for it");
    registry_remove(admission->config.registry, node);
}

static void ask_for(struct admission *admission,
                    struct admission_applicant *applicant,
                    const char *name) {
    const struct link_hello *hello = &applicant->hello;
    struct node *node = registry_find(admission->config.registry, name);

    if (node && node->anonymous && applicant->token && hello->intent != LINK_CHECK) {
        put_out(admission, node);
        node = NULL;
    }
    if (hello->intent != LINK_CHECK && node && node->session &&
        strcmp(session_instance(node->session), hello->instance) != 0)
        ask_rival(admission, applicant, node);
    else
        admit(admission, applicant, name);
}

void admission_ask(struct admission *admission, struct admission_applicant *applicant) {
    const struct link_hello *hello = &applicant->hello;
    char name[NAME_LEN_MAX + 1];

    applicant->admission = admission;
    int r = find_token(admission, applicant, &applicant->token);
    if (r != 0) {
        refuse(applicant, r);
        return;
    }
    snprintf(name, sizeof(name), "%s", applicant->token->name);
    if (name[0] == '\0' && !choose_name(admission, hello, name)) {
        refuse_name(applicant, "no free name like this one is left");
        return;
    }
    if (registry_is_reserved(admission->config.registry, name)) {
        refuse_name(applicant, "the name is a group's; take a token for another name, or "
                               "give the group another one");
        return;
    }
    ask_for(admission, applicant, name);
}

void admission_ask_anonymous(struct admission *admission,
                             struct admission_applicant *applicant,
                             const char *name) {
    applicant->admission = admission;
    ask_for(admission, applicant, name);
}

/* The store's answer will find nobody. */
static void joining_orphan(struct admission_joining *joining) {
    struct admission_applicant *applicant = joining->applicant;

    list_remove(&joining->node);
    joining->admission = NULL;
    if (!applicant)
        return;
    let_go(applicant);
    applicant->door->forget(applicant);
}

struct admission *admission_free(struct admission *admission) {
    if (!admission)
        return NULL;
    while (!list_is_empty(&admission->waiting)) {
        struct admission_applicant *applicant =
            container_of(admission->waiting.next, struct admission_applicant, node);
        let_go(applicant);
        applicant->door->forget(applicant);
    }
    list_for_each_safe(at, after, &admission->joining)
        joining_orphan(container_of(at, struct admission_joining, node));
    free(admission);
    return NULL;
}
