/*
 * hub_private - what a hub is made of, for the files that put it together
 *
 * hub.c is its life from start to end; hub_store.c opens what is kept; hub_parts.c makes
 * everything else, in the order in which one needs the other.
 */
#pragma once

#include "hub/front/hosts.h"
#include "hub/hub.h"
#include "hub/keeper.h"
#include "loop/listener.h"
#include "loop/timer.h"
#include "store/records.h"
#include "wire/h2_window.h"

struct store_facts;

struct hub {
    struct loop *loop;               /* borrowed: main */
    const struct hub_config *config; /* borrowed: main */
    struct data_lock *lock;          /* owned, and so is all that follows */
    struct doors *doors;
    struct store *store;
    struct timekeeper *timekeeper;
    struct history *history;
    struct trouble *trouble;
    struct users *users;
    struct underway *underway;
    struct approvals *approvals;
    struct service_approvals *approval_service;
    struct keeper_acts unclear; /* until they are told */
    uint64_t last_act_id;
    struct access *access;
    struct registry *registry;
    struct groups *groups;
    struct activity *activity;
    struct services *services;
    struct reflection *reflection;
    struct health *health;
    struct service_nodes *nodes;
    struct service_groups *group_service;
    struct painters *painters;
    struct service_metrics *metrics;
    struct echo *echo;
    struct service_tests *tests;
    struct service_admin *admin;
    struct service_tokens *tokens;
    struct service_users *user_service;
    struct service_activity *activities;
    struct service_internal *internal;
    struct service_gateway *gateway;
    struct traffic *traffic;
    struct presence *presence;
    struct session_pool *sessions;
    struct link_sessions *links;
    struct hubws_sessions *hubws;
    struct hubws_door *hubws_door;
    struct health_page *health_page;
    struct admission *admission;
    struct gate *gate;
    struct remote_writer *writer; /* NULL: samples go nowhere else */
    struct scrape *scrape;
    struct records records; /* of the store, until who owns them is there */
    struct hub_talk *talk;
    struct service_alerts *alert_service;
    struct alerts_feed *feed; /* hub_talk's; NULL until it is there */
    struct web *web;
    struct tunnel_http *tunnels;
    struct front *front;
    struct tls_files *tls;
    struct hosts hosts;
    char *addresses; /* owned: [hub] address, joined */
    char *database;  /* owned: where the store's file is */
    struct listener_limits limits;
    struct h2_window_budget windows; /* of all streams */
    struct timer touch;
    struct timer drain;
    uint64_t drain_until_ms;
    uint64_t callers_until_ms; /* 0: nodes have been told */
    void (*on_ended)(void *arg);
    void *ended_arg; /* borrowed: main */
};

/* Opens the store and loads what is kept: 0 or -errno, and *ret_why a text to free. */
int hub_store_open(struct hub *hub, struct store_facts *ret_facts, char **ret_why);

/* The settings of what is kept, and how long, have changed. */
void hub_store_keep(struct hub *hub);

/* Makes all that is made of the store and the settings; nobody listens yet. */
void hub_parts_make(struct hub *hub, const struct store_facts *facts);

/* The settings' names and addresses of this hub have changed. */
void hub_parts_rename(struct hub *hub);

/* The settings' limits have changed: for what comes from now on. */
void hub_parts_limit(struct hub *hub);

/* For doors: serves a connection that has come in. */
void hub_parts_on_conn(void *arg, struct conn *conn);
