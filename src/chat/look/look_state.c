#include "chat/look/look_state.h"

#include "chat/turn/turn.h"
#include "wire/timestamp.h"

bool look_state_is_stale(const struct turn *turn, const Roost__V1__NodeValues *values) {
    const struct chat_host *host = turn_host(turn);

    if (!values || values->n_values == 0 || !values->time)
        return false;
    return host->now_ms(host->arg) - timestamp_get(values->time) > LOOK_STATE_STALE_MS;
}

const char *look_state_mark(const struct turn *turn,
                            const Roost__V1__Node *node,
                            const Roost__V1__NodeValues *values) {
    if (node->state != ROOST__V1__NODE_STATE__ONLINE)
        return "\U0001f534";
    return look_state_is_stale(turn, values) ? "\U0001f7e1" : "\U0001f7e2";
}
