/*
 * diagnose_kernel - what the kernel complains of
 *
 * A part of diagnose.h, which says what these functions fill.
 */
#pragma once

struct diagnose;

/* Adds the section. */
void diagnose_kernel(struct diagnose *diagnose);
