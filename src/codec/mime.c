/* Media types by extension. What a file really is, the type detection decides later; this is only what its name says. */
#include "codec/mime.h"

#include "base/intmath.h"

static const struct {
    const char *ext;
    const char *type;
} types[] = {
    {"7z", "application/x-7z-compressed"}, {"aac", "audio/aac"}, {"avi", "video/x-msvideo"}, {"avif", "image/avif"},
    {"bmp", "image/bmp"}, {"bz2", "application/x-bzip2"}, {"c", "text/x-c"}, {"css", "text/css"}, {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"eml", "message/rfc822"}, {"epub", "application/epub+zip"}, {"flac", "audio/flac"}, {"gif", "image/gif"},
    {"gz", "application/gzip"}, {"heic", "image/heic"}, {"htm", "text/html"}, {"html", "text/html"},
    {"ics", "text/calendar"}, {"iso", "application/x-iso9660-image"}, {"jpeg", "image/jpeg"}, {"jpg", "image/jpeg"},
    {"js", "text/javascript"}, {"json", "application/json"}, {"log", "text/plain"}, {"m4a", "audio/mp4"},
    {"md", "text/markdown"}, {"mkv", "video/x-matroska"}, {"mov", "video/quicktime"}, {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"}, {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"}, {"odt", "application/vnd.oasis.opendocument.text"},
    {"ogg", "audio/ogg"}, {"opus", "audio/opus"}, {"pdf", "application/pdf"}, {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"rar", "application/vnd.rar"}, {"rtf", "application/rtf"}, {"svg", "image/svg+xml"}, {"tar", "application/x-tar"},
    {"tif", "image/tiff"}, {"tiff", "image/tiff"}, {"txt", "text/plain"}, {"wav", "audio/wav"}, {"webm", "video/webm"},
    {"webp", "image/webp"}, {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}, {"xml", "application/xml"},
    {"xz", "application/x-xz"}, {"zip", "application/zip"}, {"zst", "application/zstd"},
};

struct slice mime_for_name(struct slice name)
{
    size_t dot = name.len;
    while (dot && name.ptr[dot - 1] != '.' && name.ptr[dot - 1] != '/') dot--;
    struct slice ext = slice_sub(name, dot, name.len);
    bool has_dot = dot && name.ptr[dot - 1] == '.';
    for (size_t i = 0; has_dot && i < ARRAY_LEN(types); i++)
        if (slice_eq_nocase(ext, slice_cstr(types[i].ext))) return slice_cstr(types[i].type);
    return SLICE("application/octet-stream");
}

bool mime_valid(struct slice type)
{
    if (type.len == 0) return true;
    size_t slash = slice_find(type, '/');
    if (slash == 0 || slash + 1 >= type.len) return false;
    for (size_t i = 0; i < type.len; i++)
        if (type.ptr[i] < ' ' || type.ptr[i] > '~' || (type.ptr[i] == ' ' && i <= slash + 1)) return false;
    return true;
}

/* Of the kinds image/, audio/ and video/ these are not. */
static bool is_raw_media(struct slice type)
{
    static const char *const raw[] = {"image/svg+xml", "image/bmp", "image/x-ms-bmp", "image/tiff", "image/x-portable-pixmap",
                                      "image/x-dcraw", "audio/wav", "audio/x-wav", "audio/aiff", "audio/x-aiff", "audio/midi"};
    for (size_t i = 0; i < ARRAY_LEN(raw); i++)
        if (slice_eq_nocase(type, slice_cstr(raw[i]))) return true;
    return false;
}

static bool is_packed_application(struct slice type)
{
    static const char *const begins[] = {
        "application/zip", "application/gzip", "application/x-gzip", "application/x-bzip", "application/x-xz", "application/zstd",
        "application/x-7z-compressed", "application/vnd.rar", "application/x-rar", "application/epub+zip",
        "application/java-archive", "application/vnd.openxmlformats-", "application/vnd.oasis.opendocument."};
    for (size_t i = 0; i < ARRAY_LEN(begins); i++)
        if (slice_starts(type, slice_cstr(begins[i]))) return true;
    return false;
}

bool mime_compressed(struct slice type)
{
    struct slice bare = type;
    bare = slice_trim(slice_cut(&bare, ';'));
    if (slice_starts(bare, SLICE("image/")) || slice_starts(bare, SLICE("audio/")) || slice_starts(bare, SLICE("video/")))
        return !is_raw_media(bare);
    return slice_starts(bare, SLICE("font/woff")) || is_packed_application(bare);
}
