//===- Status.cpp - Errors of the plan and the runtime --------------------===//
#include "tenon/Plan/Status.h"

#include "tenon/Plan/Codes.h"

namespace tenon {

Status Status::error(std::string_view code, std::string message, std::string node, std::string remedy) {
  if (remedy.empty())
    if (const ErrorCode *entry = findErrorCode(code))
      remedy = entry->remedy;
  Status status;
  status.info =
      std::make_unique<ErrorInfo>(ErrorInfo{std::string(code), std::move(message), std::move(remedy), std::move(node)});
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
