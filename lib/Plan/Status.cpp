//===- Status.cpp - Errors of the plan and the runtime --------------------===//
#include "tenon/Plan/Status.h"

#include "tenon/Plan/Codes.h"

namespace tenon {

Status Status::error(std::string_view code, std::string message, std::string node, std::string remedy) {
  if (remedy.empty())
    if (const ErrorCode *entry = findErrorCode(code))
      remedy = entry->remedy;
  Status status;
  status.info = std::make_shared<const ErrorInfo>(
      ErrorInfo{std::string(code), std::move(message), std::move(remedy), std::move(node)});
  return status;
}

Status Status::outOfMemory() noexcept {
  // Short enough to lie inside the strings themselves.
  static const ErrorInfo error{"TN7011", "out of memory", "see TN7011", ""};
  Status status;
  status.info = std::shared_ptr<const ErrorInfo>(std::shared_ptr<void>(), &error);
  return status;
}

std::string Status::str() const {
  if (ok())
    return "ok";
  std::string text = info->code + ": " + info->message;
  if (!info->node.empty())
    text += " [node " + info->node + "]";
  if (!info->remedy.empty())
    text += "; " + info->remedy;
  return text;
}

} // namespace tenon
