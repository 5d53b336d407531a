/*
 * virtualization - is this a container, a virtual machine, or the bare metal?
 */
#pragma once

/*
 * Looks at what a container's maker leaves behind, then at the firmware, then at the
 * kernel's clock: "docker", "lxc", "wsl", "kvm", "vmware", ..., "vm" for an unknown
 * hypervisor, "none". root is "" or a folder that stands in for / (tests).
 */
const char *virtualization_find(const char *root);
