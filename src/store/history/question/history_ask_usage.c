#include <errno.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "loop/worker.h"
#include "store/history/history_private.h"

/* One look at what all takes. */
struct looking {
    struct job job;
    struct task refusal;         /* when there is no room */
    struct history *history;     /* borrowed: outlives its reader */
    struct history_usage *usage; /* owned, with the names; ids beside it rise */
    int64_t *ids;                /* owned */
    size_t count;
    uint64_t database_bytes;
    uint64_t journal_bytes;
    int result;
    history_usage_done *done;
    void *arg; /* borrowed: of who asked */
};

static int compare_nodes(const void *a, const void *b) {
    const struct history_node *left = *(struct history_node *const *)a;
    const struct history_node *right = *(struct history_node *const *)b;
    return (left->id > right->id) - (left->id < right->id);
}

static int compare_ids(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void list_nodes(struct looking *looking) {
    struct map *map = looking->history->nodes;
    size_t count = map_count(map), at = 0;
    struct history_node **nodes = mem_new_array(count + 1, sizeof(struct history_node *));
    struct history_node *node;

    while ((node = map_next(map, &at, NULL)))
        if (node->id != 0)
            nodes[looking->count++] = node;
    qsort(nodes, looking->count, sizeof(struct history_node *), compare_nodes);
    looking->ids = mem_new_array(looking->count + 1, sizeof(*looking->ids));
    looking->usage = mem_new_array(looking->count + 1, sizeof(*looking->usage));
    for (size_t i = 0; i < looking->count; i++) {
        looking->ids[i] = nodes[i]->id;
        looking->usage[i].node = mem_strdup(nodes[i]->name);
        looking->usage[i].lost = nodes[i]->lost;
    }
    free(nodes);
}

static int on_sum(void *arg, const struct history_sum_row *row) {
    struct looking *looking = arg;
    const int64_t *id = looking->count > 0
                            ? bsearch(&row->node, looking->ids, looking->count,
                                      sizeof(*looking->ids), compare_ids)
                            : NULL;
    if (!id)
        return 0;
    looking->usage[id - looking->ids].tiers[row->tier] = (struct history_tier_usage) {
        .bytes = row->bytes,
        .chunks = row->chunks,
        .rows = row->rows,
        .values = row->values,
        .oldest_ms = row->oldest_ms,
        .newest_ms = row->newest_ms,
    };
    return 0;
}

static void on_run(struct job *job) { /* on the reader's thread */
    struct looking *looking = container_of(job, struct looking, job);
    const struct history_backend *backend = looking->history->backend;
    struct store_database *reader = looking->history->reader_db;

    int r = backend->begin_read(reader);
    if (r == 0)
        r = backend->read_sums(reader, on_sum, looking);
    if (r == 0)
        r = backend->read_bytes(reader, &looking->database_bytes,
                                &looking->journal_bytes);
    backend->end_read(reader);
    looking->result = r;
}

static void answer(struct looking *looking, int result) {
    size_t count = result == 0 ? looking->count : 0;
    looking->done(looking->arg, result, looking->database_bytes, looking->journal_bytes,
                  looking->usage, count);
    for (size_t i = 0; i < looking->count; i++)
        free((char *)looking->usage[i].node);
    free(looking->usage);
    free(looking->ids);
    free(looking);
}

static void on_done(struct job *job) { /* on the loop */
    struct looking *looking = container_of(job, struct looking, job);
    answer(looking, looking->result);
}

static void on_refused(struct task *task) {
    answer(container_of(task, struct looking, refusal), -EAGAIN);
}

void history_ask_usage(struct history *history, history_usage_done *done, void *arg) {
    struct looking *looking = mem_new(sizeof(*looking));

    looking->history = history;
    looking->done = done;
    looking->arg = arg;
    looking->job.run = on_run;
    looking->job.done = on_done;
    looking->refusal.run = on_refused;
    list_nodes(looking);
    if (worker_add(history->reader, &looking->job) != 0)
        loop_post(history->loop, &looking->refusal);
}
