/*
 * power_kind - the two ways in which a host ends
 */
#pragma once

enum power_kind { POWER_REBOOT, POWER_OFF };
