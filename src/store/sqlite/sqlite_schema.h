/*
 * sqlite_schema - the tables of the store, and how older ones become new
 *
 * PRAGMA user_version counts the steps that a file has taken; each step is a transaction.
 */
#pragma once

#include <stdint.h>

struct store_database;

/* "Roos": tells our files from those of other programs. */
enum { SQLITE_SCHEMA_APPLICATION = 0x526f6f73 };

/*
 * May this program write to the file? 0, -errno, STORE_E_DAMAGED (also: another program's
 * file) or STORE_E_NEWER.
 */
int sqlite_schema_check(struct store_database *db);

/* Brings the schema up to date; answers as sqlite_schema_check() does. */
int sqlite_schema_update(struct store_database *db);

/* The version of the file, and the newest that we know. */
int sqlite_schema_version(struct store_database *db, uint64_t *ret_version);
uint64_t sqlite_schema_newest(void);
