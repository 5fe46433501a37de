/* guard: an upload that runs does not outlive the right to make it: when the caller's session or API key ends, or its account, the upload
 * is cut off within GUARD_MS, on every node. Nor does its body exceed limits.request_size: 413 "request_too_large" before its first byte
 * counts when its length was declared, else with what is too much. What each door says to it is the door's. */
#ifndef SEALDROP_API_GUARD_H
#define SEALDROP_API_GUARD_H

#include "api/api.h"

#define GUARD_MS 500

/* Puts a guard before the sink of a signed-in caller. On an error *sink is as it was. */
MUST_USE enum err guard_sink(struct call *q, struct http_sink **sink);

#endif
