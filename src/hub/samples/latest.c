#include "hub/samples/latest.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metric.h"
#include "base/name.h"

struct latest *latest_new(struct history_catalogue *catalogue) {
    struct latest *latest = mem_new(sizeof(*latest));

    latest->catalogue = history_catalogue_ref(catalogue);
    latest->metrics = history_catalogue_metrics(catalogue, &latest->count);
    latest->values = mem_new_array(latest->count, sizeof(*latest->values));
    for (size_t i = 0; i < latest->count; i++)
        latest->values[i] = LATEST_ABSENT;
    return latest;
}

struct latest *latest_free(struct latest *latest) {
    if (!latest)
        return NULL;
    history_catalogue_release(latest->catalogue);
    free(latest->values);
    free(latest);
    return NULL;
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
