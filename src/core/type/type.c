/* Type policy: lists, and which detected types a name may stand for. */
#include "core/type/type.h"

#include "base/intmath.h"
#include "codec/mime.h"

static const struct slice octets = {"application/octet-stream", 24};

struct slice type_verdict_word(enum type_verdict v)
{
    static const char *const words[] = {"", "type_denied", "type_mismatch", "type_unknown"};
    return slice_cstr(words[v]);
}

bool type_policy_set(const struct type_policy *p) { return p->allow.len || p->deny.len || p->refuse_mismatch; }

/* ".pdf", or empty: "README", ".profile", "a.b/c". */
static struct slice extension(struct slice name)
{
    size_t dot = name.len;
    while (dot && name.ptr[dot - 1] != '.' && name.ptr[dot - 1] != '/') dot--;
    bool has = dot > 1 && name.ptr[dot - 1] == '.' && name.ptr[dot - 2] != '/';
    return has ? slice_sub(name, dot - 1, name.len) : SLICE("");
}

static bool type_matches(struct slice word, struct slice type)
{
    if (word.len && word.ptr[word.len - 1] == '*')
        return type.len >= word.len && slice_eq_nocase(slice_sub(type, 0, word.len - 1), slice_sub(word, 0, word.len - 1));
    return slice_eq_nocase(word, type);
}

static bool listed(struct slice list, struct slice ext, struct slice type)
{
    while (list.len) {
        struct slice word = slice_trim(slice_cut(&list, ','));
        if (word.len == 0) continue;
        if (word.ptr[0] == '.' ? slice_eq_nocase(word, ext) : type_matches(word, type)) return true;
    }
    return false;
}

bool type_list_valid(struct slice list)
{
    while (list.len) {
        struct slice word = slice_trim(slice_cut(&list, ','));
        size_t slash = slice_find(word, '/');
        bool ext = word.len > 1 && word.ptr[0] == '.' && slash == word.len;
        bool type = slash > 0 && slash + 1 < word.len && mime_valid(word);
        if (!ext && !type) return false;
    }
    return true;
}

/* Types that content detection calls by another name than extensions do: left what the name says, right what is found. A "*" ends
 * a prefix. */
static const struct {
    const char *named, *found;
} same[] = {
    {"text/*", "text/*"},
    {"text/*", "application/json"},
    {"text/*", "application/javascript"},
    {"text/*", "application/xml"},
    {"text/*", "application/csv"},
    {"text/*", "application/x-ndjson"},
    {"text/*", "message/*"},
    {"application/json", "text/*"},
    {"application/json", "application/x-ndjson"},
    {"application/xml", "text/*"},
    {"application/rtf", "text/rtf"},
    {"message/rfc822", "text/*"},
    {"image/svg+xml", "text/*"},
    {"image/svg+xml", "application/xml"},
    {"image/heic", "image/heif"},
    {"image/bmp", "image/x-ms-bmp"},
    {"application/vnd.openxmlformats-officedocument.*", "application/zip"},
    {"application/vnd.openxmlformats-officedocument.*", "application/vnd.openxmlformats-officedocument*"},
    {"application/vnd.openxmlformats-officedocument.*", "application/encrypted"},
    {"application/vnd.openxmlformats-officedocument.*", "application/CDFV2*"},
    {"application/vnd.oasis.opendocument.*", "application/zip"},
    {"application/epub+zip", "application/zip"},
    {"application/msword", "application/CDFV2*"},
    {"application/msword", "application/x-ole-storage"},
    {"application/msword", "text/rtf"},
    {"application/vnd.ms-*", "application/CDFV2*"},
    {"application/vnd.ms-*", "application/x-ole-storage"},
    {"application/vnd.ms-*", "application/msword"},
    {"application/vnd.rar", "application/x-rar"},
    {"application/gzip", "application/x-gzip"},
    {"application/x-bzip2", "application/bzip2"},
    {"application/zstd", "application/x-zstd"},
    {"application/x-tar", "application/x-gtar"},
    {"audio/mp4", "video/mp4"},
    {"audio/mp4", "audio/x-m4a"},
    {"audio/mpeg", "application/octet-stream"}, /* frames without a tag before them */
    {"audio/aac", "audio/x-hx-aac-adts"},
    {"audio/opus", "audio/ogg"},
    {"audio/ogg", "video/ogg"},
    {"audio/ogg", "application/ogg"},
    {"audio/wav", "audio/x-wav"},
    {"audio/flac", "audio/x-flac"},
    {"video/mp4", "video/quicktime"},
    {"video/quicktime", "video/mp4"},
    {"video/webm", "video/x-matroska"},
    {"video/x-matroska", "video/webm"},
};

bool type_fits_name(struct slice name, struct slice detected)
{
    struct slice named = mime_for_name(name);
    if (slice_eq(named, octets) || slice_eq_nocase(named, detected)) return true;
    /* An empty file is what its name says, whatever that is. */
    if (slice_eq(detected, SLICE("inode/x-empty")) || slice_eq(detected, SLICE("application/x-empty"))) return true;
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        if (type_matches(slice_cstr(same[i].named), named) && type_matches(slice_cstr(same[i].found), detected)) return true;
    return false;
}

enum type_verdict type_check_name(const struct type_policy *p, struct slice name)
{
    struct slice ext = extension(name), type = mime_for_name(name);
    if (listed(p->deny, ext, type)) return TYPE_DENIED;
    if (p->allow.len && !listed(p->allow, ext, type)) return TYPE_DENIED;
    return TYPE_ALLOWED;
}

enum type_verdict type_check(const struct type_policy *p, struct slice name, struct slice detected)
{
    enum type_verdict by_name = type_check_name(p, name);
    if (!type_policy_set(p) || by_name != TYPE_ALLOWED) return by_name;
    if (detected.len == 0) return TYPE_UNKNOWN;
    bool fits = type_fits_name(name, detected);
    if (listed(p->deny, SLICE(""), detected)) return TYPE_DENIED;
    /* An extension that is on the list brings what it stands for along; where nobody knows what that is, its name must do. */
    if (p->allow.len && !listed(p->allow, SLICE(""), detected) && !fits) return TYPE_DENIED;
    return p->refuse_mismatch && !fits ? TYPE_MISMATCH : TYPE_ALLOWED;
}
