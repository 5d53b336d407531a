/*
 * list - intrusive doubly linked list
 *
 * A head and its nodes are the same struct, linked in a ring. A node that is in no list
 * points to itself or is zeroed. list_for_each_safe() survives removal of the current
 * node.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next; /* borrowed: the ring */
    struct list *prev; /* borrowed: the ring */
};

/* The struct that embeds a node as its field. */
#define container_of(node, type, field)                                                  \
    ((type *)(void *)((char *)(node)-offsetof(type, field)))

#define list_for_each_safe(at, after, head)                                              \
    for (struct list *at = (head)->next, *after = at->next; at != (head);                \
         at = after, after = at->next)

static inline void list_init(struct list *list) {
    list->next = list;
    list->prev = list;
}

static inline bool list_is_empty(const struct list *head) {
    return head->next == head;
}

/* Is this node in some list? */
static inline bool list_is_linked(const struct list *node) {
    return node->next && node->next != node;
}

static inline void list_add_tail(struct list *head, struct list *node) {
    node->prev = head->prev;
    node->next = head;
    /* The analyser cannot know that a list is circular. */
    head->prev->next = node; /* NOLINT(clang-analyzer-core.NullDereference) */
    head->prev = node;
}

static inline void list_add_head(struct list *head, struct list *node) {
    list_add_tail(head->next, node);
}

/* Takes the node out of its list; harmless when it is in none. */
static inline void list_remove(struct list *node) {
    if (!node->next)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* Removes and returns the first node, NULL when the list is empty. */
static inline struct list *list_pop(struct list *head) {
    if (list_is_empty(head))
        return NULL;
    struct list *node = head->next;
    list_remove(node);
    return node;
}

/* Moves all nodes of from to the end of to. */
static inline void list_splice(struct list *to, struct list *from) {
    struct list *node;
    while ((node = list_pop(from)))
        list_add_tail(to, node);
}
