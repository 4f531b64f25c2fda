//===- WeightCutter.cpp - A model's bytes without its weights --------------===//
//
// Initializers of the main graph only: the ONNX checker looks at the sizes of other tensors.
//
// Walks the wire format (protobuf's encoding guide) and writes it again, lengths of what encloses a cut included. Only
// headers of fields are read: the pages that hold weights are not touched. A handle is trusted only where the walk made
// it, whatever bytes a file holds.
//
//===----------------------------------------------------------------------===//
#include "WeightCutter.h"

#include "llvm/ADT/SmallVector.h"
#include <cstring>
#include <optional>

using llvm::StringRef;

namespace tenon::importer {
namespace {

/// Raw data from this size on stays in the file; below it a copy costs less than the handle.
constexpr uint64_t shortestCut = 4096;
constexpr char magic[8] = {'\0', 't', 'e', 'n', 'o', 'n', 'W', '1'};

enum class Message { Model, Graph, Tensor };

/// The message a field holds, if it leads to initializers (onnx.proto).
std::optional<Message> getChild(Message parent, uint64_t field) {
  if (parent == Message::Model && field == 7)
    return Message::Graph;
  if (parent == Message::Graph && field == 5)
    return Message::Tensor;
  return std::nullopt;
}

void appendVarint(std::string &text, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    text.push_back(char(value | 0x80));
  text.push_back(char(value));
}

std::string makeHandle(uint64_t offset, uint64_t length) {
  std::string handle(magic, sizeof(magic));
  handle.append(reinterpret_cast<const char *>(&offset), sizeof(offset));
  handle.append(reinterpret_cast<const char *>(&length), sizeof(length));
  return handle;
}

class Cutter {
public:
  Cutter(StringRef bytes, CutRanges &cut) : bytes(bytes), cut(cut) {}

  std::string run() {
    stack.push_back({Message::Model, bytes.size(), 0, {}});
    while (true) {
      Level &level = stack.back();
      if (at < level.end) {
        if (!copyField(level))
          return {};
        continue;
      }
      Level done = std::move(level);
      stack.pop_back();
      if (stack.empty())
        return std::move(done.text);
      appendVarint(stack.back().text, done.tag);
      appendVarint(stack.back().text, done.text.size());
      stack.back().text += done.text;
    }
  }

private:
  /// A message being written.
  struct Level {
    Message message;
    size_t end;       ///< in the source
    uint64_t tag;     ///< of the field that holds it
    std::string text; ///< of the result
  };

  bool readVarint(size_t end, uint64_t &value) {
    value = 0;
    for (int shift = 0; shift < 64 && at < end; shift += 7) {
      uint8_t byte = uint8_t(bytes[at++]);
      value |= uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return true;
    }
    return false;
  }

  /// Copies one field, or cuts it, or enters it. `level` is the last one; entering invalidates it.
  bool copyField(Level &level) {
    const size_t start = at, end = level.end;
    uint64_t tag, length = 0;
    if (!readVarint(end, tag))
      return false;
    const int type = int(tag & 7);
    if (type == 0 ? !readVarint(end, length) : type == 2 && !readVarint(end, length))
      return false;
    if (type != 0 && type != 2)
      length = type == 1 ? 8 : 4;
    if (type == 0)
      length = 0;
    if (length > end - at)
      return false;
    if (type == 2)
      if (auto child = getChild(level.message, tag >> 3)) {
        stack.push_back({*child, at + size_t(length), tag, {}});
        return true;
      }
    constexpr uint64_t rawData = 9;
    if (type == 2 && level.message == Message::Tensor && tag >> 3 == rawData && length >= shortestCut) {
      const std::string handle = makeHandle(at, length);
      cut[at] = length;
      appendVarint(level.text, tag);
      appendVarint(level.text, handle.size());
      level.text += handle;
    } else {
      level.text.append(bytes.data() + start, at + size_t(length) - start);
    }
    at += size_t(length);
    return true;
  }

  StringRef bytes;
  CutRanges &cut;
  size_t at = 0;
  llvm::SmallVector<Level, 3> stack;
};

} // namespace

std::string cutWeights(StringRef bytes, CutRanges &cut) { return Cutter(bytes, cut).run(); }

llvm::ArrayRef<char> resolveRawData(const std::string &rawData, StringRef bytes, const CutRanges &cut) {
  uint64_t range[2];
  if (rawData.size() == sizeof(magic) + sizeof(range) && std::memcmp(rawData.data(), magic, sizeof(magic)) == 0) {
    std::memcpy(range, rawData.data() + sizeof(magic), sizeof(range));
    if (auto it = cut.find(range[0]); it != cut.end() && it->second == range[1])
      return {bytes.data() + range[0], size_t(range[1])};
  }
  return {rawData.data(), rawData.size()};
}

} // namespace tenon::importer
