#include "agent/collect/diagnose/diagnose_run.h"

#include "agent/collect/diagnose/diagnose.h"
#include "agent/collect/diagnose/diagnose_devices.h"
#include "agent/collect/diagnose/diagnose_disks.h"
#include "agent/collect/diagnose/diagnose_kernel.h"
#include "agent/collect/diagnose/diagnose_network.h"
#include "agent/collect/diagnose/diagnose_smart.h"
#include "agent/collect/diagnose/diagnose_system.h"

void diagnose_run(struct diagnose *diagnose, const char *root) {
    diagnose->root = root;
    diagnose_system(diagnose);
    diagnose_system_cpu(diagnose);
    diagnose_system_memory(diagnose);
    diagnose_disks(diagnose);
    diagnose_devices_pci(diagnose);
    diagnose_devices_usb(diagnose);
    diagnose_network(diagnose);
    diagnose_kernel(diagnose);
    diagnose_smart(diagnose);
}
