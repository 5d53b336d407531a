#include "rpc/actor.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

struct actor_rights *actor_rights_new(bool admin) {
    struct actor_rights *rights = mem_new(sizeof(*rights));

    *rights = (struct actor_rights) { .refs = 1, .admin = admin };
    return rights;
}

struct actor_rights *actor_rights_ref(struct actor_rights *rights) {
    if (rights)
        rights->refs++;
    return rights;
}

void actor_rights_clear(struct actor_rights *rights) {
    for (size_t i = 0; i < rights->count; i++)
        free(rights->grants[i].nodes);
    free(rights->grants);
    rights->grants = NULL;
    rights->count = 0;
}

struct actor_rights *actor_rights_unref(struct actor_rights *rights) {
    if (!rights || --rights->refs > 0)
        return NULL;
    actor_rights_clear(rights);
    free(rights);
    return NULL;
}

void actor_rights_add(struct actor_rights *rights,
                      const char *nodes,
                      enum actor_role role,
                      int64_t expires_ms) {
    rights->grants =
        mem_grow(rights->grants, (rights->count + 1) * sizeof(*rights->grants));
    rights->grants[rights->count++] =
        (struct actor_grant) { mem_strdup(nodes), role, expires_ms };
}

static bool has_tag(char *const *tags, const char *tag) {
    while (tags && *tags && strcmp(*tags, tag) != 0)
        tags++;
    return tags && *tags;
}

bool actor_grant_means(const char *nodes, const char *name, char *const *tags) {
    if (nodes[0] == '@')
        return has_tag(tags, nodes + 1);
    return nodes[0] != '\0' && fnmatch(nodes, name, 0) == 0;
}

enum actor_role actor_rights_on(const struct actor_rights *rights,
                                const char *name,
                                char *const *tags,
                                int64_t now_ms) {
    enum actor_role best = ACTOR_NOBODY;

    if (rights->ended)
        return ACTOR_NOBODY;
    if (rights->admin)
        return ACTOR_OWNER;
    for (size_t i = 0; i < rights->count; i++) {
        const struct actor_grant *grant = &rights->grants[i];
        bool holds = grant->expires_ms == 0 || now_ms < grant->expires_ms;
        if (grant->role > best && holds && actor_grant_means(grant->nodes, name, tags))
            best = grant->role;
    }
    return best;
}

struct actor *actor_new(const char *name,
                        const char *token_id,
                        bool is_person,
                        struct actor_rights *rights) {
    struct actor *actor = mem_new(sizeof(*actor));

    *actor = (struct actor) {
        .refs = 1,
        .name = mem_strdup(name),
        .token_id = mem_strdup(token_id),
        .is_person = is_person,
        .rights = actor_rights_ref(rights),
    };
    return actor;
}

struct actor *actor_ref(struct actor *actor) {
    if (actor)
        actor->refs++;
    return actor;
}

struct actor *actor_unref(struct actor *actor) {
    if (!actor || --actor->refs > 0)
        return NULL;
    actor_rights_unref(actor->rights);
    free(actor->token_id);
    free(actor->name);
    free(actor);
    return NULL;
}

enum actor_role actor_role_on(const struct actor *actor,
                              const char *name,
                              char *const *tags) {
    int64_t now_ms = clock_wall_ms();

    if (!actor || actor_has_ended(actor, now_ms))
        return ACTOR_NOBODY;
    return actor_rights_on(actor->rights, name, tags, now_ms);
}

bool actor_is_admin(const struct actor *actor) {
    return actor && actor->rights->admin && !actor_has_ended(actor, clock_wall_ms());
}

bool actor_has_ended(const struct actor *actor, int64_t now_ms) {
    return actor->ended || actor->rights->ended ||
           (actor->expires_ms != 0 && now_ms >= actor->expires_ms);
}

bool actor_expires(const struct actor *actor) {
    bool does = actor->expires_ms != 0;

    for (size_t i = 0; !does && i < actor->rights->count; i++)
        does = actor->rights->grants[i].expires_ms != 0;
    return does;
}

const char *actor_role_name(enum actor_role role) {
    static const char *const names[] = { "nobody", "viewer", "operator", "owner" };
    return (unsigned)role < 4 ? names[role] : "unknown";
}
