/*
 * look_figures - what is known of a node at a glance, as lines of a view
 *
 * Update time, uptime, processor, memory, graphics, network, disks, top processes. What
 * is not there is left out.
 */
#pragma once

#include <stdbool.h>

#include "roost/v1/metrics.pb-c.h"
#include "roost/v1/nodes.pb-c.h"
#include "roost/v1/processes.pb-c.h"

struct turn;
struct view;

/* The title: mark, name, title. */
void look_figures_title(struct view *view,
                        const struct turn *turn,
                        const Roost__V1__Node *node,
                        const Roost__V1__NodeValues *values);

/* When the values were taken, or since when the node is gone. */
void look_figures_time(struct view *view,
                       const struct turn *turn,
                       const Roost__V1__Node *node,
                       const Roost__V1__NodeValues *values);

/* All figures; only the first few when it is short. top may be NULL. */
void look_figures_add(struct view *view,
                      const struct turn *turn,
                      const Roost__V1__NodeValues *values,
                      const Roost__V1__TopResponse *top,
                      bool is_short);
