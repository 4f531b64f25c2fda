//===- CodeChoice.cpp - Which code object a GPU runs ----------------------===//
#include "CodeChoice.h"

#include <cctype>
#include <string_view>

namespace tenon::cuda {

namespace {

/// "sm_90a" in parts.
struct Arch {
  bool isPtx = false;
  Capability capability;
  char suffix = 0; ///< 'a', 'f' or none
};

bool parseArch(std::string_view text, Arch &arch) {
  arch.isPtx = text.starts_with("compute_");
  if (!arch.isPtx && !text.starts_with("sm_"))
    return false;
  text.remove_prefix(arch.isPtx ? 8 : 3);
  if (!text.empty() && (text.back() == 'a' || text.back() == 'f')) {
    arch.suffix = text.back();
    text.remove_suffix(1);
  }
  if (text.size() < 2 || text.size() > 4)
    return false;
  int number = 0;
  for (char digit : text) {
    if (!std::isdigit(static_cast<unsigned char>(digit)))
      return false;
    number = 10 * number + (digit - '0');
  }
  arch.capability = {number / 10, number % 10};
  return true;
}

std::string join(std::span<const char *const> archs) {
  std::string text;
  for (const char *arch : archs)
    text += (text.empty() ? "" : ", ") + std::string(arch);
  return text;
}

} // namespace

int rankArch(const std::string &text, Capability device) {
  // Higher than any 10 * major + minor, so that each step of the order stands above the ones after it.
  constexpr int exact = 100000, sameMajor = 50000, ptx = 1;
  Arch arch;
  if (!parseArch(text, arch))
    return 0;
  const Capability code = arch.capability;
  const int found = 10 * code.major + code.minor, present = 10 * device.major + device.minor;
  const bool runs = arch.suffix == 'a'   ? found == present
                    : arch.suffix == 'f' ? code.major == device.major && found <= present
                    : arch.isPtx         ? found <= present
                                         : code.major == device.major && found <= present;
  if (!runs)
    return 0;
  if (arch.isPtx)
    return ptx + found;
  return found == present ? exact : sameMajor + code.minor;
}

std::string chooseCode(std::span<const char *const> archs, const char *forced, Capability device,
                       const std::string &name, size_t &chosen) {
  const std::string on = "the device has compute capability " + device.str() + " (" + name + ")";
  if (archs.empty())
    return "the plan holds no code";
  int best = 0;
  bool present = false;
  for (size_t i = 0; i < archs.size(); ++i) {
    if (forced && std::string_view(archs[i]) != forced)
      continue;
    present = true;
    if (const int rank = rankArch(archs[i], device); rank > best) {
      best = rank;
      chosen = i;
    }
  }
  if (best > 0)
    return {};
  if (forced && !present)
    return "the plan holds no code for " + std::string(forced) + ", only for " + join(archs) + "; " + on;
  if (forced)
    return std::string(forced) + " was asked for, but " + on;
  return "the plan holds code for " + join(archs) + ", but " + on + "; code for compute_80 runs from 8.0 on";
}

} // namespace tenon::cuda
