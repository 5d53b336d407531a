/*
 * base64 - bytes as letters and back (RFC 4648)
 *
 * Two alphabets: the standard one with padding, and the one for URLs without. Decoding
 * is strict: no white space, no foreign letters, no bits behind the last byte.
 */
#pragma once

#include "base/buf.h"

enum {
    BASE64_E_DAMAGED = 1, /* not base64 of this kind */
};

/* Appends the standard form, padded with '='. */
void base64_encode(struct buf *out, struct slice bytes);

/* Appends the form for URLs, without padding. */
void base64_encode_url(struct buf *out, struct slice bytes);

/* Appends the bytes of a padded standard text; on failure out is as it was. */
int base64_decode(struct buf *out, struct slice text);

/* The same for the form for URLs without padding. */
int base64_decode_url(struct buf *out, struct slice text);

/* Takes either alphabet, with or without padding (JSON of protobuf allows it). */
int base64_decode_any(struct buf *out, struct slice text);
