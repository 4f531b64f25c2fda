// Layer normalisation of rows of any length, one block each: the same reduction twice, back to back. For the mutation
// suite.
#include "tenon/cuda/block.cuh"

using namespace tenon::device;

extern "C" __global__ void __launch_bounds__(256) normalize(const float *x, float *y, int n) {
  const float *row = x + static_cast<int64_t>(blockIdx.x) * n;
  float sum = 0, squares = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    sum += row[i];
  float mean = blockSum(sum) / n;
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    squares += (row[i] - mean) * (row[i] - mean);
  float scale = rsqrtf(blockSum(squares) / n + 1e-5f);
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    y[static_cast<int64_t>(blockIdx.x) * n + i] = (row[i] - mean) * scale;
}
TENON_KERNEL(normalize);
