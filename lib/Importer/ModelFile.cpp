//===- ModelFile.cpp - Reading and parsing a model ------------------------===//
//
// The bytes are scanned once before protobuf sees them: an iterative walk over the fields that hold graphs and nodes
// counts nesting and nodes, so that limits have messages of their own and nothing is allocated beyond them.
//
//===----------------------------------------------------------------------===//
#include "ModelFile.h"

#include "tenon/Support/Errors.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace tenon::importer {
namespace {

enum class Message { Model, Graph, Node, Attribute, Function };

/// The message a field holds, if it leads to nodes.
std::optional<Message> getChild(Message parent, uint64_t field) {
  switch (parent) {
  case Message::Model:
    return field == 7 ? std::optional(Message::Graph) : field == 25 ? std::optional(Message::Function) : std::nullopt;
  case Message::Graph:
    return field == 1 ? std::optional(Message::Node) : std::nullopt;
  case Message::Function:
    return field == 7 ? std::optional(Message::Node) : std::nullopt;
  case Message::Node:
    return field == 5 ? std::optional(Message::Attribute) : std::nullopt;
  case Message::Attribute:
    return field == 6 || field == 11 ? std::optional(Message::Graph) : std::nullopt;
  }
  return std::nullopt;
}

/// Walks the wire format (protobuf's encoding guide: varints, tags, length-delimited fields).
class WireScanner {
public:
  explicit WireScanner(StringRef bytes) : bytes(bytes) {}

  /// 0 if well formed and inside the limits.
  std::optional<Code> scan() {
    SmallVector<std::pair<Message, size_t>> stack{{Message::Model, bytes.size()}};
    int graphs = 0;
    while (!stack.empty()) {
      auto [message, end] = stack.back();
      if (at == end) {
        graphs -= message == Message::Graph;
        stack.pop_back();
        continue;
      }
      uint64_t tag, length;
      if (!readVarint(end, tag) || !skipOrEnter(tag & 7, end, length))
        return Code::NotOnnx;
      if ((tag & 7) != 2)
        continue;
      auto child = getChild(message, tag >> 3);
      if (!child) {
        at += length;
        continue;
      }
      if (*child == Message::Node && ++nodes > maxNodes)
        return Code::TooManyNodes;
      // The model's own graph is not nested.
      if (*child == Message::Graph && ++graphs > maxSubgraphNesting + 1)
        return Code::NestingTooDeep;
      stack.push_back({*child, at + length});
    }
    return std::nullopt;
  }

private:
  bool readVarint(size_t end, uint64_t &value) {
    value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at >= end)
        return false;
      uint8_t byte = bytes[at++];
      value |= uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return true;
    }
    return false;
  }

  /// Skips a field of wire type `type`; stops before the bytes of a length-delimited one.
  bool skipOrEnter(int type, size_t end, uint64_t &length) {
    if (type == 0)
      return readVarint(end, length);
    if (type == 2)
      return readVarint(end, length) && length <= end - at;
    length = type == 1 ? 8 : 4;
    if ((type != 1 && type != 5) || length > end - at)
      return false;
    at += length;
    return true;
  }

  StringRef bytes;
  size_t at = 0;
  int64_t nodes = 0;
};

} // namespace

Location getNameLocation(MLIRContext *context, StringRef name) {
  return NameLoc::get(StringAttr::get(context, name.empty() ? "unnamed" : name));
}

Location getNodeLocation(MLIRContext *context, const onnx::NodeProto &node) {
  if (!node.name().empty())
    return getNameLocation(context, node.name());
  std::string name = node.op_type();
  if (node.output_size() > 0)
    name += " of " + node.output(0);
  return getNameLocation(context, name);
}

std::shared_ptr<ModelFile> ModelFile::parse(StringRef bytes, Location loc) {
  if (bytes.size() > size_t(INT32_MAX)) {
    emitError(loc, Code::FileTooLarge) << "the model has " << bytes.size() << " bytes";
    return nullptr;
  }
  if (auto code = WireScanner(bytes).scan()) {
    auto diagnostic = emitError(loc, *code);
    if (*code == Code::NestingTooDeep)
      diagnostic << "subgraph nesting > " << maxSubgraphNesting;
    else if (*code == Code::TooManyNodes)
      diagnostic << "more than " << maxNodes << " nodes";
    else
      diagnostic << "the bytes are not a protobuf message";
    return nullptr;
  }
  auto file = std::make_shared<ModelFile>();
  if (bytes.empty() || !file->proto.ParseFromArray(bytes.data(), int(bytes.size()))) {
    emitError(loc, Code::NotOnnx) << "protobuf cannot parse a ModelProto";
    return nullptr;
  }
  return file;
}

std::shared_ptr<ModelFile> ModelFile::read(StringRef path, MLIRContext &context) {
  Location loc = getNameLocation(&context, path);
  llvm::sys::fs::file_status status;
  std::error_code error = llvm::sys::fs::status(path, status);
  if (error || status.type() != llvm::sys::fs::file_type::regular_file) {
    emitError(loc, Code::UnreadableFile) << (error ? error.message() : std::string("not a regular file"));
    return nullptr;
  }
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer) {
    emitError(loc, Code::UnreadableFile) << buffer.getError().message();
    return nullptr;
  }
  StringRef bytes = (*buffer)->getBuffer();
  CutRanges cut;
  // What cannot be walked is parsed, and refused, whole.
  const bool isWhole = bytes.size() > size_t(INT32_MAX) || WireScanner(bytes).scan();
  const std::string rest = isWhole ? std::string() : cutWeights(bytes, cut);
  auto file = parse(rest.empty() ? bytes : StringRef(rest), loc);
  if (!file)
    return nullptr;
  if (!rest.empty()) {
    file->image = std::move(*buffer);
    file->cut = std::move(cut);
  }
  llvm::SmallString<256> real;
  if (llvm::sys::fs::real_path(path, real))
    real = path;
  auto folderOf = [](StringRef p) {
    StringRef parent = llvm::sys::path::parent_path(p);
    return parent.empty() ? std::string(".") : parent.str();
  };
  file->setDirectories(folderOf(path), folderOf(real));
  return file;
}

} // namespace tenon::importer
