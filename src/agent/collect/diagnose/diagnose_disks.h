/*
 * diagnose_disks - block devices, arrays and file systems
 *
 * A part of diagnose.h, which says what these functions fill.
 */
#pragma once

struct diagnose;

/* Adds the section. */
void diagnose_disks(struct diagnose *diagnose);
