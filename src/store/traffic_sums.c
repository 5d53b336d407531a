#include "store/traffic_sums.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/name.h"

enum { SUMS_MAX = 20000 }; /* 12 MB */

struct traffic_sums {
    const struct store_traffic_query *query; /* borrowed: who asks */
    struct map *places;                      /* owned; values: owned sums */
    struct store_traffic *list;              /* owned; made by traffic_sums_list() */
    struct buf key;
    bool is_cut;
};

struct traffic_sums *traffic_sums_new(const struct store_traffic_query *query) {
    struct traffic_sums *sums = mem_new(sizeof(*sums));

    sums->query = query;
    sums->places = map_new();
    return sums;
}

struct traffic_sums *traffic_sums_free(struct traffic_sums *sums) {
    struct store_traffic *sum;

    for (size_t at = 0; (sum = map_next(sums->places, &at, NULL));) {
        free((char *)(uintptr_t)sum->node);
        free((char *)(uintptr_t)sum->caller);
        free((char *)(uintptr_t)sum->method);
        free(sum);
    }
    map_free(sums->places);
    buf_done(&sums->key);
    free(sums->list);
    free(sums);
    return NULL;
}

static bool may_see(const struct store_traffic_query *query, const char *node) {
    for (size_t i = 0; query->is_limited && i < query->node_count; i++)
        if (*node && name_match_glob(query->nodes[i], node))
            return true;
    return !query->is_limited;
}

bool traffic_sums_want(const struct traffic_sums *sums, const struct store_traffic *row) {
    const struct store_traffic_query *query = sums->query;

    return (!*query->node || strcmp(query->node, row->node) == 0) &&
           (!*query->caller || strcmp(query->caller, row->caller) == 0) &&
           (!*query->method || name_match_glob(query->method, row->method)) &&
           may_see(query, row->node);
}

int64_t traffic_sums_step(const struct traffic_sums *sums, int64_t time_ms) {
    const struct store_traffic_query *query = sums->query;

    if (query->step_ms <= 0)
        return query->since_ms;
    return time_ms - (time_ms % query->step_ms + query->step_ms) % query->step_ms;
}

struct store_traffic *traffic_sums_of(struct traffic_sums *sums,
                                      const struct store_traffic *row) {
    unsigned by = sums->query->by;
    int64_t time_ms = traffic_sums_step(sums, row->time_ms);
    const char *node = by & STORE_BY_NODE ? row->node : "";
    const char *caller = by & STORE_BY_CALLER ? row->caller : "";
    const char *method = by & STORE_BY_METHOD ? row->method : "";

    buf_clear(&sums->key);
    buf_printf(&sums->key, "%" PRId64 "\n%s\n%s\n%s", time_ms, node, caller, method);
    struct store_traffic *sum = map_get(sums->places, buf_text(&sums->key));
    if (sum)
        return sum;
    if (map_count(sums->places) >= SUMS_MAX) {
        sums->is_cut = true;
        return NULL;
    }
    sum = mem_new(sizeof(*sum));
    sum->time_ms = time_ms;
    sum->node = mem_strdup(node);
    sum->caller = mem_strdup(caller);
    sum->method = mem_strdup(method);
    map_put(sums->places, buf_text(&sums->key), sum);
    return sum;
}

static int by_name(const struct store_traffic *a, const struct store_traffic *b) {
    int r = strcmp(a->node, b->node);
    if (r == 0)
        r = strcmp(a->caller, b->caller);
    return r != 0 ? r : strcmp(a->method, b->method);
}

static int compare(const void *left, const void *right) {
    const struct store_traffic *a = left, *b = right;

    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    if (a->calls != b->calls)
        return a->calls > b->calls ? -1 : 1;
    return by_name(a, b);
}

const struct store_traffic *traffic_sums_list(struct traffic_sums *sums,
                                              size_t *ret_count,
                                              bool *ret_cut) {
    size_t total = map_count(sums->places), count = 0;
    const struct store_traffic *sum;

    free(sums->list);
    sums->list = mem_new_array(total, sizeof(*sums->list));
    for (size_t at = 0; (sum = map_next(sums->places, &at, NULL));)
        sums->list[count++] = *sum;
    if (total > 1)
        qsort(sums->list, total, sizeof(*sums->list), compare);
    *ret_cut = sums->is_cut || total > sums->query->limit;
    *ret_count = total < sums->query->limit ? total : sums->query->limit;
    return sums->list;
}
