/*
 * xml_tree - a small XML document in memory
 *
 * Elements and texts are all it has: attributes are checked and dropped, comments and
 * processing instructions are skipped, and a document type is refused, for its entities
 * are how a small file becomes a huge one.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

enum { XML_TREE_E_BAD = 1 };

enum { XML_TREE_DEPTH_MAX = 200 };

struct xml_node {
    struct slice name;       /* borrowed: the text; without a prefix "x:" */
    struct buf text;         /* all texts between its children, put together */
    struct xml_node **nodes; /* owned, and so is each */
    size_t count;
    size_t cap;
    bool is_taken; /* by whoever walks the tree */
};

/*
 * Reads the elements of a text, which may have several one after the other, into
 * ret_root's nodes. The text must outlive the tree. 0, or XML_TREE_E_BAD and *ret_why is
 * a text to free.
 */
int xml_tree_read(struct slice text, struct xml_node **ret_root, char **ret_why);

/* NULL is fine; always returns NULL. */
struct xml_node *xml_tree_free(struct xml_node *node);
