/*
 * commands - the rows that command.h's table is made of, one file each
 */
#pragma once

#include "cli/command.h"

extern const struct command cmd_activity;
extern const struct command cmd_alert;
extern const struct command cmd_approve;
extern const struct command cmd_call;
extern const struct command cmd_channel;
extern const struct command cmd_chart;
extern const struct command cmd_completion;
extern const struct command cmd_config;
extern const struct command cmd_connect;
extern const struct command cmd_doctor;
extern const struct command cmd_fluentd;
extern const struct command cmd_forward;
extern const struct command cmd_grant;
extern const struct command cmd_group;
extern const struct command cmd_help;
extern const struct command cmd_hubs;
extern const struct command cmd_key;
extern const struct command cmd_kill;
extern const struct command cmd_kill_pause;
extern const struct command cmd_kill_resume;
extern const struct command cmd_login;
extern const struct command cmd_logout;
extern const struct command cmd_logs;
extern const struct command cmd_node;
extern const struct command cmd_nodes;
extern const struct command cmd_pair;
extern const struct command cmd_probe;
extern const struct command cmd_probe_diagnose;
extern const struct command cmd_probe_dns;
extern const struct command cmd_probe_http;
extern const struct command cmd_probe_ping;
extern const struct command cmd_probe_speed;
extern const struct command cmd_probe_stability;
extern const struct command cmd_probe_tcp;
extern const struct command cmd_ps;
extern const struct command cmd_query;
extern const struct command cmd_reboot;
extern const struct command cmd_rule;
extern const struct command cmd_shutdown;
extern const struct command cmd_ssh;
extern const struct command cmd_status;
extern const struct command cmd_storage;
extern const struct command cmd_token;
extern const struct command cmd_top;
extern const struct command cmd_traffic;
extern const struct command cmd_unit;
extern const struct command cmd_units;
extern const struct command cmd_usage;
extern const struct command cmd_user;
extern const struct command cmd_version;
extern const struct command cmd_wake;
extern const struct command cmd_watch;
extern const struct command cmd_whoami;
