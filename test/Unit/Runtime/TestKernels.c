// Kernels of the runtime's tests, with the calling convention of include/tenon/Runtime/CpuKernel.h.
#include <stdint.h>

void *memcpy(void *, const void *, unsigned long);

// [x, w, y] rows of `params[0]` floats: y = x + w. A group is a row.
void add_rows(void *const *buffers, const int64_t *params, int64_t begin, int64_t end, void *scratch) {
  const float *x = buffers[0], *w = buffers[1];
  float *y = buffers[2];
  int64_t columns = params[0];
  for (int64_t i = begin; i < end; ++i)
    for (int64_t k = 0; k < columns; ++k)
      y[i * columns + k] = x[i * columns + k] + w[k];
}

// [x, y]: y = params[0] * x. A group is an element.
void scale(void *const *buffers, const int64_t *params, int64_t begin, int64_t end, void *scratch) {
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t i = begin; i < end; ++i)
    y[i] = (float)params[0] * x[i];
}

// [x, y] rows of `params[0]` floats: y = x, by way of the scratch of a row's bytes and of an imported function.
void through_scratch(void *const *buffers, const int64_t *params, int64_t begin, int64_t end, void *scratch) {
  const float *x = buffers[0];
  float *y = buffers[1];
  int64_t columns = params[0];
  for (int64_t i = begin; i < end; ++i) {
    memcpy(scratch, x + i * columns, (unsigned long)columns * 4);
    memcpy(y + i * columns, scratch, (unsigned long)columns * 4);
  }
}

// A table of addresses, which needs relocations.
static const float one = 1.0f, two = 2.0f;
static const float *const volatile table[2] = {&one, &two};

// [y]: y[i] = 1 or 2.
void from_table(void *const *buffers, const int64_t *params, int64_t begin, int64_t end, void *scratch) {
  float *y = buffers[0];
  for (int64_t i = begin; i < end; ++i)
    y[i] = *table[i % 2];
}
