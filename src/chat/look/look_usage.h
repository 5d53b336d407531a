/*
 * look_usage - who uses what of a host: users, disks, folders, graphics, quotas
 */
#pragma once

struct turn;

/* usage [NODE] [users|disks|gpu|quota], or usage [NODE] folders [PATH] */
void look_usage_run(struct turn *turn);

/* port [NODE] [FIRST-LAST]: a TCP port that nobody listens on. */
void look_usage_port(struct turn *turn);
