/* web: the pages and assets built into the server, pre-compressed. The table is generated at build time from the files of this
 * folder by tools/embed-assets.py; to add one, put the file here and name it in CMakeLists.txt. Constant data, any thread. */
#ifndef SEALDROP_WEB_WEB_H
#define SEALDROP_WEB_WEB_H

#include "net/static.h"

extern const struct static_asset web_assets[];
extern const size_t web_asset_count;

#endif
