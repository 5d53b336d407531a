#include "rpc/actor.h"

#include <fnmatch.h>
#include <stdlib.h>

#include "base/mem.h"

struct actor *actor_new(const char *name,
                        const char *token_id,
                        bool admin,
                        enum actor_role role,
                        const char *const *nodes) {
    struct actor *actor = mem_new(sizeof(*actor));
    size_t count = 0;

    while (nodes && nodes[count])
        count++;
    *actor = (struct actor) {
        .refs = 1,
        .name = mem_strdup(name),
        .token_id = mem_strdup(token_id),
        .nodes = mem_new_array(count + 1, sizeof(*actor->nodes)),
        .role = role,
        .admin = admin,
    };
    for (size_t i = 0; i < count; i++)
        actor->nodes[i] = mem_strdup(nodes[i]);
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
    for (char **node = actor->nodes; *node; node++)
        free(*node);
    free(actor->nodes);
    free(actor->token_id);
    free(actor->name);
    free(actor);
    return NULL;
}

enum actor_role actor_role_on(const struct actor *actor, const char *node) {
    if (!actor)
        return ACTOR_NOBODY;
    if (actor->admin)
        return ACTOR_OWNER;
    for (char **glob = actor->nodes; *glob; glob++)
        if (fnmatch(*glob, node, 0) == 0)
            return actor->role;
    return ACTOR_NOBODY;
}

const char *actor_role_name(enum actor_role role) {
    static const char *const names[] = { "nobody", "viewer", "operator", "owner" };
    return names[role];
}
