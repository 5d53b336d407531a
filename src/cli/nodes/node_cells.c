#include "cli/nodes/node_cells.h"

#include "base/buf.h"

int64_t node_cells_time_ms(const Google__Protobuf__Timestamp *time) {
    if (!time || time->seconds > INT64_MAX / 1000 - 1 || time->seconds < 0)
        return -1;
    return time->seconds * 1000 + time->nanos / 1000000;
}

void node_cells_add_state(struct table *table,
                          const struct terminal *terminal,
                          bool is_online,
                          const char *word) {
    table_printf(table, is_online ? TERMINAL_GREEN : TERMINAL_RED, "%s %s",
                 terminal_sign(terminal, is_online ? "\xe2\x97\x8f" : "\xe2\x97\x8b",
                               is_online ? "*" : "-"),
                 word);
}

const char *node_cells_kind(Roost__V1__NodeKind kind) {
    switch (kind) {
    case ROOST__V1__NODE_KIND__AGENT:
        return "agent";
    case ROOST__V1__NODE_KIND__SERVICE:
        return "service";
    case ROOST__V1__NODE_KIND__DEVICE:
        return "device";
    default:
        return "";
    }
}

char *node_cells_tags(const Roost__V1__Node *node) {
    struct buf out = { 0 };

    for (size_t i = 0; i < node->n_tags; i++)
        buf_printf(&out, "%s@%s", i ? " " : "", node->tags[i]);
    return buf_take_text(&out);
}
