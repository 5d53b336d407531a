/*
 * approval_people - asks those who may decide, in their private chats
 *
 * An act that waits for somebody's word is shown to everybody who may give it and has a
 * chat with us; when it is decided, each of these messages says so.
 */
#pragma once

struct approval_people;
struct approvals;
struct chat;
struct users;

struct approval_people_config { /* all borrowed, all outlive it */
    struct chat *chat;
    struct approvals *approvals;
    const struct users *users;
};

struct approval_people *approval_people_new(const struct approval_people_config *config);

/* Before the conversation. NULL is fine; always returns NULL. */
struct approval_people *approval_people_free(struct approval_people *people);
