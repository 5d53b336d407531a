#include "agent/acts/acts.h"

#include <stdlib.h>

#include "agent/acts/act.h"
#include "agent/acts/ledger.h"
#include "agent/acts/signing.h"
#include "agent/setup/identity.h"
#include "base/mem.h"

struct acts *acts_new(const struct acts_config *config) {
    struct acts *acts = mem_new(sizeof(*acts));

    acts->loop = config->loop;
    acts->policy = config->policy;
    acts->instance = config->identity->instance;
    acts->ledger = ledger_new(config->state, LEDGER_COUNT_MAX);
    acts->signing = signing_new(config->policy, config->identity);
    list_init(&acts->running);
    return acts;
}

struct acts *acts_free(struct acts *acts) {
    if (!acts)
        return NULL;
    act_drop_all(acts);
    signing_free(acts->signing);
    ledger_free(acts->ledger);
    free(acts);
    return NULL;
}
