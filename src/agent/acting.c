#include "agent/acting.h"

#include <stdlib.h>

#include "agent/act.h"
#include "base/mem.h"

struct acting {
    struct acts *acts; /* owned, and so is all that follows */
};

struct acting *acting_new(const struct acting_config *config) {
    struct acting *acting = mem_new(sizeof(*acting));
    struct acts_config acts = {
        .loop = config->loop,
        .policy = config->policy,
        .state = config->state,
    };

    acting->acts = acts_new(&acts);
    return acting;
}

void acting_stop(struct acting *acting) {
}

struct acting *acting_free(struct acting *acting) {
    if (!acting)
        return NULL;
    acts_free(acting->acts);
    free(acting);
    return NULL;
}
