//===- UnevenCopies.h - Copies of a stage on unlike devices ---------------===//
//
// A stage whose copies are on devices of several kinds: each copy gets as many samples of a microbatch as make the
// slowest one fastest (Shares.h). For the joint search that is one group of devices more, beside those of each kind
// alone.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_UNEVENCOPIES_H
#define TENON_PARTITION_UNEVENCOPIES_H

#include "tenon/Partition/Joint.h"

#include <map>

namespace tenon::partition {

class UnevenCopies final : public JointModel {
public:
  /// `kinds` are groups whose models have the same blocks and variants, and outlive this. Bytes of its prices are parts
  /// of the memory of a device: a JointGroup of this has memory 1, and as many devices as all kinds together.
  explicit UnevenCopies(std::vector<JointGroup> kinds);

  std::span<const int> chain() const override { return kinds.front().model->chain(); }
  std::span<const std::string> variants() const override { return kinds.front().model->variants(); }
  std::optional<BlockPrice> price(int kind, const Form &form, int samples, int stages) const override;
  Traffic transfer(int cut, const Form &form, int samples, int stages, bool leaves) const override;
  Traffic gradients(double parameters, const Form &form, int stages, bool leaves) const override;
  double optimizer(double parameters) const override;

  /// Samples of a microbatch of `samples` for each copy, kind after kind: the weights of the axis of the copies. Empty
  /// where the devices cannot share it so. Not thread-safe.
  const std::vector<int64_t> &shares(const Form &form, int samples, int stages) const;

private:
  struct Dealt {
    std::vector<int64_t> shares;
    std::vector<int64_t> most; ///< of each kind, the samples of its largest copy
    size_t slowest = 0;        ///< the kind that takes longest
  };
  const Dealt &deal(const Form &form, int samples, int stages) const;
  std::vector<int> copies(const Form &form, int stages) const;
  /// Seconds of all blocks for a copy of `kind`; infinite where it cannot have as many samples.
  double seconds(size_t kind, const Form &form, int64_t samples, int stages) const;

  std::vector<JointGroup> kinds;
  mutable std::map<std::tuple<int, int, int, int, int>, Dealt> dealt; ///< by form, samples and stages
};

} // namespace tenon::partition

#endif // TENON_PARTITION_UNEVENCOPIES_H
