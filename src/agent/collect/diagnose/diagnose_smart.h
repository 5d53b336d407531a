/*
 * diagnose_smart - what disks say of themselves, by smartctl
 *
 * A part of diagnose.h, which says what these functions fill.
 */
#pragma once

struct diagnose;

/* Adds the section. */
void diagnose_smart(struct diagnose *diagnose);
