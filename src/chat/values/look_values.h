/*
 * look_values - the latest values of a node, by name
 */
#pragma once

#include <stdbool.h>

#include "roost/v1/metrics.pb-c.h"

/* Those of a node; NULL: there are none (latest may be NULL too). Lent by the reply. */
const Roost__V1__NodeValues *look_values_of(const Roost__V1__LatestResponse *latest,
                                            const char *node);

/* A metric's value; false when there is none (values may be NULL). */
bool look_values_find(const Roost__V1__NodeValues *values,
                      const char *metric,
                      double *ret_value);

/* The value of "disk.used:/home" for the metric "disk.used" and "/home". */
bool look_values_find_part(const Roost__V1__NodeValues *values,
                           const char *metric,
                           const char *object,
                           double *ret_value);

/* The unit that came with the values; NULL: none did. Lent. */
const char *look_values_unit(const Roost__V1__NodeValues *values, const char *metric);
