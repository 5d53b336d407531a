/*
 * diagnose_run - all sections of a report, in their order
 */
#pragma once

struct diagnose;

/* Looks at everything; the struct was zeroed before. End it with diagnose_done(). */
void diagnose_run(struct diagnose *diagnose, const char *root);
