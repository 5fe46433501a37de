/* What the drivers need of requests and responses beyond http.h. */
#ifndef SEALDROP_NET_RESPONSE_IMPL_H
#define SEALDROP_NET_RESPONSE_IMPL_H

#include "net/http.h"

/* "Not Found" for 404; "" when the status has no name. */
const char *response_reason(int status);
/* Not a field of the server's own, no control character in its value. */
bool response_field_valid(struct slice name, struct slice value);
/* Copies the list (not its text) into the arena; repeated fields are joined into the first. */
MUST_USE enum err request_set_headers(struct http_request *req, const struct http_header *list, size_t n);

#endif
