//===- Memory.h - Page-aligned memory of the executor ---------------------===//
#ifndef TENON_LIB_RUNTIME_MEMORY_H
#define TENON_LIB_RUNTIME_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <utility>

namespace tenon::runtime {

/// Page-aligned zeroed memory that only grows. Asks for huge pages where it is large.
class Memory {
public:
  Memory() = default;
  Memory(Memory &&other) noexcept : base(std::exchange(other.base, nullptr)), size(std::exchange(other.size, 0)) {}
  Memory &operator=(Memory &&) = delete;
  ~Memory() { release(); }

  /// Makes at least `bytes` bytes available; what was there is lost if it has to grow. False where there is not enough
  /// memory, or `bytes` is negative.
  [[nodiscard]] bool reserve(int64_t bytes);
  char *data() const { return static_cast<char *>(base); }

private:
  void release();
  void *base = nullptr;
  size_t size = 0;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_MEMORY_H
