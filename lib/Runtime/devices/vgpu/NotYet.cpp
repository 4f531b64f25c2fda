#include "BlockRunner.h"
namespace tenon::vgpu::detail {
const char *nameOf(WarpgroupOp op) { return "wgmma"; }
void BlockRunner::warpgroup(WarpgroupOp, WarpgroupArgs *) { fail("wgmma is not modelled yet"); }
void BlockRunner::tensorLoad(const TensorCopyArgs &) { fail("tensor loads are not modelled yet"); }
void BlockRunner::tensorStore(const TensorCopyArgs &) { fail("tensor stores are not modelled yet"); }
void BlockRunner::bulkCommit() {}
void BlockRunner::bulkWait(unsigned, bool) {}
void BlockRunner::fence(FenceKind) {}
void BlockRunner::checkExited(Fiber &) {}
bool BlockRunner::deliverOne() { return false; }
} // namespace tenon::vgpu::detail
