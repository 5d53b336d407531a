/*
 * diagnose_system - the machine, its processors and its memory
 *
 * A part of diagnose.h, which says what these functions fill.
 */
#pragma once

struct diagnose;

/* Each adds a section. */
void diagnose_system(struct diagnose *diagnose);
void diagnose_system_cpu(struct diagnose *diagnose);
void diagnose_system_memory(struct diagnose *diagnose);
