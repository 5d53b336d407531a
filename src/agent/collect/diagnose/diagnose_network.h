/*
 * diagnose_network - interfaces, addresses, routes, name servers
 *
 * A part of diagnose.h, which says what these functions fill.
 */
#pragma once

struct diagnose;

/* Adds the section. */
void diagnose_network(struct diagnose *diagnose);
