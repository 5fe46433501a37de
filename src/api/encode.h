/* encode: core structs as messages. */
#ifndef SEALDROP_API_ENCODE_H
#define SEALDROP_API_ENCODE_H

#include "api/api.h"
#include "core/link/link.h"
#include "core/upload/upload.h"
#include "core/user/user.h"

void encode_user(const struct user *u, struct msg_user *ret);
MUST_USE enum err encode_file(struct ctx *c, const struct file *f, struct msg_file *ret);
/* Borrows `key`; *ret must not be copied. */
void encode_key(const struct content *t, const struct content_key *key, struct msg_key *ret);
void encode_upload(const struct upload *u, struct msg_upload *ret);
void encode_transfer(const struct transfer *t, struct msg_transfer *ret);
void encode_link(const struct link *l, struct msg_link *ret);
/* All of them as a list in the arena. */
MUST_USE enum err encode_files(struct ctx *c, const struct file *files, size_t n, struct json_list *ret);
/* The same with what the caller may do with each: lists of files the caller found as relation and owner_name say. */
MUST_USE enum err encode_own_files(struct ctx *c, const struct file *files, size_t n, struct json_list *ret);
/* One file in its envelope. */
MUST_USE enum err reply_file(struct call *q, const struct file *f);

#endif
