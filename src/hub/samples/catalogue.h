/*
 * catalogue - a node's catalogue as it came, checked
 *
 * What an agent calls its values goes into the store, to browsers and terminals, so that
 * names must be text, few and short enough, and no two alike.
 */
#pragma once

#include "roost/v1/host.pb-c.h"

struct history_catalogue;
struct sample_chain;

enum {
    CATALOGUE_UNIT_MAX = 32,
    CATALOGUE_SCALE_MAX = 18, /* decimal places that fit into 64 bits */
    CATALOGUE_BOOT_LEN = 16,
};

/* Why it cannot be taken; NULL: it can. */
const char *catalogue_fault(const Roost__V1__Catalogue *catalogue);

/* How far apart its rows are meant to be, within reason. */
uint32_t catalogue_interval_ms(const Roost__V1__Catalogue *catalogue);

/* It as what rows are decoded with, and what they are kept and shown with. The caller
 * owns each. */
struct sample_chain *catalogue_chain(const Roost__V1__Catalogue *catalogue);
struct history_catalogue *catalogue_history(const Roost__V1__Catalogue *catalogue);
