/* The tables of messages_device.h. Data only. */
#include "api/messages_device.h"

#include "base/limits.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED

JSON_TABLE(msg_device_new_table, "DeviceNew", struct msg_device_new,
    F(msg_device_new, device_name, JSON_STRING, .max = LIMIT_DEVICE_NAME_BYTES,
      .doc = "shown to the person who approves, and in the list of sessions"));
JSON_TABLE(msg_device_codes_table, "DeviceCodes", struct msg_device_codes,
    F(msg_device_codes, device_code, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .doc = "to poll with; never shown"),
    F(msg_device_codes, user_code, JSON_STRING, REQUIRED, .doc = "for the person: ABCD-EFGH"),
    F(msg_device_codes, verification_uri, JSON_STRING, REQUIRED, .doc = "where to enter it"),
    F(msg_device_codes, verification_uri_complete, JSON_STRING, REQUIRED, .doc = "the same with the code, for a QR code"),
    F(msg_device_codes, expires_in, JSON_U64, REQUIRED, .doc = "seconds"),
    F(msg_device_codes, interval, JSON_U64, REQUIRED, .doc = "seconds between two polls"));
JSON_TABLE(msg_device_request_table, "DeviceRequest", struct msg_device_request,
    F(msg_device_request, device_name, JSON_STRING, REQUIRED, .doc = "as the device calls itself"),
    F(msg_device_request, ip, JSON_STRING, REQUIRED, .doc = "where it asked from"),
    F(msg_device_request, created_at, JSON_TIME, REQUIRED),
    F(msg_device_request, expires_at, JSON_TIME, REQUIRED));
JSON_TABLE(msg_device_decision_table, "DeviceDecision", struct msg_device_decision,
    F(msg_device_decision, user_code, JSON_STRING, REQUIRED, .max = 32),
    F(msg_device_decision, approve, JSON_BOOL, REQUIRED));
JSON_TABLE(msg_device_poll_table, "DevicePoll", struct msg_device_poll,
    F(msg_device_poll, device_code, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .max = 64));
