//===- conv.cuh - Convolutions of NHWC images -----------------------------===//
//
// An ordinary convolution is a matrix product whose A is never stored: row = output pixel, k = (kernel row, kernel
// column, channel). ConvOperand finds those elements, so that either product of gemm.cuh does the rest:
//
//   ConvShape s = {...};
//   Tile::run(s.gemm(outChannels), ConvOperand<half>{x, s}, rowMajor(w, outChannels, s.depth()), epilogue);
//
// with weights [outChannels][kernelHeight][kernelWidth][channels] (TransposedB), or
// [kernelHeight][kernelWidth][channels] [outChannels] (not). Grid and shared memory as in gemm.cuh, for m = batch *
// outHeight * outWidth. The epilogue gets batch 0, the pixel as row and the output channel as column. Where C is a
// multiple of 16 bytes, cp.async moves 16. A 1x1 kernel without strides and pads is a plain product: use Operand.
//
// Depthwise is the direct form of a convolution with one filter per channel.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_CONV_CUH
#define TENON_CUDA_CONV_CUH

#include "tenon/cuda/gemm.cuh"

namespace tenon::device {

/// Images [batch][height][width][channels] to pixels [batch][outHeight][outWidth]: output (y, x) reads input
/// (y * strideY - padTop + i * dilationY, x * strideX - padLeft + j * dilationX), zero outside. The products
/// batch * outHeight * outWidth and kernelHeight * kernelWidth * channels are below 2^31 - 1024.
struct ConvShape {
  int batch, height, width, channels;
  int outHeight, outWidth;
  int kernelHeight, kernelWidth;
  int strideY, strideX, padTop, padLeft, dilationY, dilationX;

  TENON_DEVICE int pixels() const { return batch * outHeight * outWidth; }
  TENON_DEVICE int depth() const { return kernelHeight * kernelWidth * channels; }
  TENON_DEVICE GemmShape gemm(int outChannels) const { return {pixels(), outChannels, depth(), 1}; }
};

/// The patches of images as lines, one per output pixel: an operand A, along k.
template <class T>
struct ConvOperand {
  using Element = T;
  static constexpr bool plain = true;

  const T *data;
  ConvShape shape;

  struct Line {
    const T *image; ///< null for pixels that do not exist
    int y, x;       ///< input pixel under the kernel's first
  };
  struct Position {
    int y, x, channel; ///< from the line's pixel; channel -1 beyond the depth
  };

  TENON_DEVICE bool wide() const {
    return (reinterpret_cast<unsigned long>(data) % 16 == 0) & (shape.channels % (16 / int(sizeof(T))) == 0);
  }
  TENON_DEVICE Line line(int64_t, int i) const {
    if (i >= shape.pixels())
      return {nullptr, 0, 0};
    int x = i % shape.outWidth, rest = i / shape.outWidth, y = rest % shape.outHeight;
    int64_t image = rest / shape.outHeight;
    return {data + image * shape.height * shape.width * shape.channels, y * shape.strideY - shape.padTop,
            x * shape.strideX - shape.padLeft};
  }
  TENON_DEVICE Position position(int j) const {
    int channel = j % shape.channels, tap = j / shape.channels;
    int y = tap / shape.kernelWidth, x = tap % shape.kernelWidth;
    return {y * shape.dilationY, x * shape.dilationX, y < shape.kernelHeight ? channel : -1};
  }
  TENON_DEVICE const T *chunk(const Line &line, const Position &j, int count, int &exist) const {
    int y = line.y + j.y, x = line.x + j.x;
    bool inside = line.image && j.channel >= 0 && y >= 0 && y < shape.height && x >= 0 && x < shape.width;
    exist = inside ? count : 0; // a chunk lies in one pixel: see wide()
    return inside ? line.image + (static_cast<int64_t>(y) * shape.width + x) * shape.channels + j.channel : data;
  }
  TENON_DEVICE T map(T value, int64_t, int, int) const { return value; }
};

template <class T>
TENON_DEVICE ConvOperand<T> patches(const T *images, const ConvShape &shape) {
  return {images, shape};
}

/// y[pixel][c] = sum over taps of x[..][c] * w[tap][c]. A thread computes Width (1, 2, 4, 8) channels of Columns
/// neighbouring pixels of a row, and reads each weight once for them. Launch: block = threads, no shared memory, grid x
/// = min(ceil(batch * outHeight * ceil(outWidth / Columns) * ceil(channels / Width) / threads), 2^31 - 1) or any less.
template <class T, int Width, int Columns = 4, int Threads = 128>
struct Depthwise {
  static constexpr int width = Width, columns = Columns, threads = Threads, sharedBytes = 0;
  static constexpr int minBlocks = 1; ///< the second launch bound

  /// The epilogue gets batch 0, the pixel as row and the channel as column.
  template <class Epilogue>
  static TENON_DEVICE void run(const ConvShape &s, const T *x, const T *w, const Epilogue &epilogue) {
    unsigned groups = (s.channels + Width - 1u) / Width, strips = (s.outWidth + Columns - 1u) / Columns;
    int64_t total = static_cast<int64_t>(s.batch) * s.outHeight * strips * groups;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * Threads + threadIdx.x; i < total;
         i += static_cast<int64_t>(gridDim.x) * Threads) {
      int channel = static_cast<int>(i % groups * Width), row = static_cast<int>(i / groups / strips);
      strip(s, x, w, epilogue, row, static_cast<int>(i / groups % strips * Columns), channel);
    }
  }

private:
  /// `row` counts the output rows of all images.
  template <class Epilogue>
  static TENON_DEVICE void strip(const ConvShape &s, const T *x, const T *w, const Epilogue &epilogue, int row,
                                 int firstColumn, int channel) {
    constexpr unsigned long bytes = Width * sizeof(T) < 16 ? Width * sizeof(T) : 16;
    int count = s.channels - channel < Width ? s.channels - channel : Width;
    bool wide = s.channels % Width == 0 && reinterpret_cast<unsigned long>(x) % bytes == 0 &&
                reinterpret_cast<unsigned long>(w) % bytes == 0;
    const T *image = x + static_cast<int64_t>(row / s.outHeight) * s.height * s.width * s.channels;
    int firstY = row % s.outHeight * s.strideY - s.padTop, firstX = firstColumn * s.strideX - s.padLeft;
    float sums[Columns][Width] = {};
    for (int i = 0; i < s.kernelHeight; ++i) {
      int y = firstY + i * s.dilationY;
      if (y < 0 || y >= s.height)
        continue;
      for (int j = 0; j < s.kernelWidth; ++j) {
        Vector<T, Width> weight =
            load(w + static_cast<int64_t>(i * s.kernelWidth + j) * s.channels + channel, count, wide);
#pragma unroll
        for (int p = 0; p < Columns; ++p) {
          int column = firstX + p * s.strideX + j * s.dilationX;
          if (column < 0 || column >= s.width || firstColumn + p >= s.outWidth)
            continue;
          Vector<T, Width> value =
              load(image + (static_cast<int64_t>(y) * s.width + column) * s.channels + channel, count, wide);
#pragma unroll
          for (int e = 0; e < Width; ++e)
            sums[p][e] += float(value[e]) * float(weight[e]);
        }
      }
    }
#pragma unroll
    for (int p = 0; p < Columns; ++p)
      if (firstColumn + p < s.outWidth) {
        Vector<float, Width> values;
#pragma unroll
        for (int e = 0; e < Width; ++e)
          values[e] = sums[p][e];
        epilogue(int64_t(0), row * s.outWidth + firstColumn + p, channel, values, count);
      }
  }

  static TENON_DEVICE Vector<T, Width> load(const T *source, int count, bool wide) {
    if (wide)
      return loadVectorReadOnly<Width>(source);
    Vector<T, Width> result;
#pragma unroll
    for (int e = 0; e < Width; ++e)
      result[e] = e < count ? source[e] : T(0.0f);
    return result;
  }
};

} // namespace tenon::device

#endif // TENON_CUDA_CONV_CUH
