/*
 * diagnose_devices - what hangs on PCI and USB
 *
 * A part of diagnose.h, which says what these functions fill.
 */
#pragma once

struct diagnose;

/* Each adds a section. */
void diagnose_devices_pci(struct diagnose *diagnose);
void diagnose_devices_usb(struct diagnose *diagnose);
