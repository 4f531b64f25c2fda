//===- WeightCutter.h - A model's bytes without its weights ----------------===//
#ifndef TENON_IMPORTER_WEIGHTCUTTER_H
#define TENON_IMPORTER_WEIGHTCUTTER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace tenon::importer {

/// Raw data of tensors that stay in the file: offset -> length.
using CutRanges = llvm::DenseMap<uint64_t, uint64_t>;

/// The serialised ModelProto in `bytes` with the raw data of every large initializer replaced by a handle of a few
/// bytes, so that protobuf neither reads nor copies weights. `bytes` has the structure that ModelFile's scan has
/// checked. Adds what was cut to `cut`; an empty string if the bytes are not well formed after all.
std::string cutWeights(llvm::StringRef bytes, CutRanges &cut);

/// What `rawData`, a tensor's field, stands for: a part of `bytes` if it is the handle of one that was cut, else
/// itself.
llvm::ArrayRef<char> resolveRawData(const std::string &rawData, llvm::StringRef bytes, const CutRanges &cut);

} // namespace tenon::importer

#endif // TENON_IMPORTER_WEIGHTCUTTER_H
