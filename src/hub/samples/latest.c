#include "hub/samples/latest.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metric.h"
#include "base/name.h"

struct latest *latest_new(size_t count) {
    struct latest *latest = mem_new(sizeof(*latest));

    latest->metrics = mem_new_array(count, sizeof(*latest->metrics));
    latest->values = mem_new_array(count, sizeof(*latest->values));
    latest->count = count;
    for (size_t i = 0; i < count; i++)
        latest->values[i] = LATEST_ABSENT;
    return latest;
}

struct latest *latest_free(struct latest *latest) {
    if (!latest)
        return NULL;
    for (size_t i = 0; i < latest->count; i++) {
        free(latest->metrics[i].name);
        free(latest->metrics[i].unit);
    }
    free(latest->metrics);
    free(latest->values);
    free(latest);
    return NULL;
}

void latest_describe(struct latest *latest,
                     size_t at,
                     const char *name,
                     const char *unit,
                     unsigned scale) {
    latest->metrics[at] = (struct latest_metric) {
        .name = mem_strdup(name),
        .unit = mem_strdup(unit),
        .scale = scale,
    };
}

bool latest_value(const struct latest *latest, size_t at, double *ret_value) {
    if (latest->values[at] == LATEST_ABSENT)
        return false;
    double divisor = 1;
    for (unsigned i = 0; i < latest->metrics[at].scale; i++)
        divisor *= 10;
    *ret_value = (double)latest->values[at] / divisor;
    return true;
}

bool latest_is_wanted(const char *name, char *const *wishes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *wish = metric_resolve(wishes[i]);
        if (name_match_glob(wish, name))
            return true;
    }
    return count == 0;
}
