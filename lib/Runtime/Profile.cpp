//===- Profile.cpp - Times of the records of a run ------------------------===//
#include "tenon/Runtime/Profile.h"

#include <cstdio>

namespace tenon::runtime {

static void appendString(std::string &out, const std::string &text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", unsigned(c));
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

/// Nanoseconds as the microseconds that the format wants.
static std::string micros(int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof(text), "%lld.%03lld", static_cast<long long>(ns / 1000),
                static_cast<long long>(ns % 1000));
  return text;
}

std::string Profile::chromeTrace() const {
  std::string out = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
  out += "{\"name\":\"run\",\"ph\":\"X\",\"pid\":0,\"tid\":0,\"ts\":0,\"dur\":" + micros(total) + "}";
  for (const ProfileEvent &event : events) {
    out += ",\n{\"name\":";
    appendString(out, event.name);
    out += ",\"ph\":\"X\",\"pid\":0,\"tid\":" + std::to_string(event.rank) + ",\"ts\":" + micros(event.start) +
           ",\"dur\":" + micros(event.duration);
    out += ",\"args\":{\"record\":" + std::to_string(event.record) + ",\"grid\":" + std::to_string(event.grid);
    if (event.flops >= 0)
      out += ",\"flops\":" + std::to_string(event.flops);
    if (event.traffic >= 0)
      out += ",\"bytes\":" + std::to_string(event.traffic);
    out += ",\"nodes\":[";
    for (size_t i = 0; i < event.nodes.size(); ++i) {
      out += i ? "," : "";
      appendString(out, event.nodes[i]);
    }
    out += "]}}";
  }
  return out + "\n]}\n";
}

} // namespace tenon::runtime
