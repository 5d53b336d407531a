#include "chat/values/look_values.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

const Roost__V1__NodeValues *look_values_of(const Roost__V1__LatestResponse *latest,
                                            const char *node) {
    for (size_t i = 0; latest && i < latest->n_nodes; i++)
        if (strcmp(latest->nodes[i]->node, node) == 0)
            return latest->nodes[i];
    return NULL;
}

bool look_values_find(const Roost__V1__NodeValues *values,
                      const char *metric,
                      double *ret_value) {
    for (size_t i = 0; values && i < values->n_values; i++)
        if (strcmp(values->values[i]->key, metric) == 0) {
            *ret_value = values->values[i]->value;
            return isfinite(*ret_value);
        }
    return false;
}

bool look_values_find_part(const Roost__V1__NodeValues *values,
                           const char *metric,
                           const char *object,
                           double *ret_value) {
    auto_(mem_freep) char *series = mem_printf("%s:%s", metric, object);
    return look_values_find(values, series, ret_value);
}

const char *look_values_unit(const Roost__V1__NodeValues *values, const char *metric) {
    for (size_t i = 0; values && i < values->n_info; i++)
        if (strcmp(values->info[i]->name, metric) == 0)
            return values->info[i]->unit;
    return NULL;
}
