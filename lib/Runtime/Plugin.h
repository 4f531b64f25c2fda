//===- Plugin.h - Libraries that are opened when they are needed ----------===//
#ifndef TENON_LIB_RUNTIME_PLUGIN_H
#define TENON_LIB_RUNTIME_PLUGIN_H

#include "tenon/Plan/Status.h"

#include <string>

namespace tenon::runtime {

/// Whether `name` can be part of the name of a library: 1 to 31 letters, digits and underscores, all small.
bool isPluginName(const std::string &name);

/// Opens a library for good: in the folders of $TENON_DEVICE_PATH, beside this library, then where the system looks.
/// TN8001 where that is impossible.
Expected<void *> openPlugin(const std::string &file);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_PLUGIN_H
